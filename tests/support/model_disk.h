// A disk in memory that forgets what was not synced: the harshest Disk that keeps the promises of
// base/disk.h, with crashes and faults on demand.
//
// What is modelled: appended bytes are volatile until Sync; entries of a directory (create, rename,
// remove) until SyncDirectory of it; MakeDirectories and Truncate are durable at once. What is not,
// and is refused with UNIMPLEMENTED: renaming directories or into another directory.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "tests/support/random.h"

namespace streamml::support {

// One operation that changes the disk, as the hook sees it.
struct DiskOperation {
  // create, append, sync, truncate, rename, remove, make directories, sync directory or lock.
  std::string_view name;
  std::string_view path;  // of a rename: the old one
  uint64_t number = 0;    // counted from 0 over the life of the disk
};

enum class DiskAction {
  kProceed,
  kStop,      // as if the machine died in this operation: see FailAfter
  kFull,      // RESOURCE_EXHAUSTED; of an append the first half is written
  kLoseSync,  // a sync or sync directory says OK and makes nothing durable; no effect on others
};

// Thread-safe but for SetHook. Must outlive the files and locks it gave out.
class ModelDisk final : public Disk {
 public:
  // Called before each operation that changes the disk, without a lock held: it may call the disk.
  using Hook = std::function<DiskAction(const DiskOperation&)>;

  ModelDisk();
  ~ModelDisk() override;
  ModelDisk(const ModelDisk&) = delete;
  ModelDisk& operator=(const ModelDisk&) = delete;

  void SetHook(Hook hook) { hook_ = std::move(hook); }
  // After `num_operations` more changing operations everything fails with UNAVAILABLE "crashed",
  // until Crash(). The first operation that fails may still have happened, as far as nothing
  // promised it to be durable: an append, a rename and so on are left to Crash() to keep or lose.
  void FailAfter(uint64_t num_operations);
  // The machine dies and starts again. Of the volatile end of each file a random part is kept, of
  // which the last bytes may be zeros or garbage; of the volatile operations of each directory the
  // first few, in their order. Files and locks given out before are dead: UNAVAILABLE "crashed";
  // locks are free.
  void Crash(Random& random);
  // The process dies and the machine lives: handles are dead, locks free, and what was not synced
  // is still there, and still volatile.
  void Kill();
  // Folders whose path ends so cannot be listed: UNAVAILABLE. "": all can.
  void FailLists(std::string path_end);
  // Whether operations fail because of FailAfter or kStop.
  bool stopped() const;
  uint64_t num_operations() const;
  // Puts `bytes`, durably and uncounted, in place of an existing file's content: plants damage.
  absl::Status Overwrite(const std::string& path, std::string bytes);
  // Paths of all files, sorted.
  std::vector<std::string> Files() const;

  absl::StatusOr<std::unique_ptr<AppendFile>> OpenForAppend(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<ReadFile>> OpenForRead(const std::string& path) override;
  absl::Status Truncate(const std::string& path, uint64_t size) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status MakeDirectories(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<DiskLock>> Lock(const std::string& path) override;

 private:
  friend class ModelAppendFile;
  friend class ModelReadFile;
  friend class ModelLock;

  struct Inode {
    std::string content;
    size_t durable_size = 0;  // a prefix of content
  };
  using Entries =
      std::map<std::string, std::shared_ptr<Inode>>;  // shared: files stay open when removed
  // A directory operation that is not durable yet: `inode` created, `from` renamed, or `name`
  // removed.
  struct Pending {
    std::string name;
    std::string from;
    std::shared_ptr<Inode> inode;  // shared with the entries
  };
  struct Directory {
    Entries current;
    Entries durable;
    std::vector<Pending> pending;
    std::set<std::string> subdirectories;
  };
  enum class Verdict { kProceed, kDead, kLast, kFull, kLoseSync };

  // Counts a changing operation of a handle of `generation` and decides what becomes of it.
  Verdict Begin(std::string_view name, const std::string& path, uint64_t generation);
  Verdict Begin(std::string_view name, const std::string& path);
  // The directory that holds `path`, or null. These need mutex_ held.
  Directory* Holder(const std::string& path);
  std::shared_ptr<Inode> FindFile(const std::string& path);
  std::shared_ptr<Inode> CreateFile(Directory& directory, const std::string& name);
  void MakeDirectory(const std::string& path);
  bool IsDead(uint64_t generation) const { return stopped_ || generation != generation_; }
  static void Apply(const Pending& operation, Entries& entries);
  static void Tear(Inode& inode, Random& random);

  Hook hook_;
  mutable std::mutex mutex_;  // guards all below
  std::map<std::string, Directory> directories_;
  std::set<std::string> locks_;
  uint64_t generation_ = 0;
  uint64_t num_operations_ = 0;
  uint64_t operations_left_ = std::numeric_limits<uint64_t>::max();
  bool stopped_ = false;
  std::string unlisted_;
};

}  // namespace streamml::support
