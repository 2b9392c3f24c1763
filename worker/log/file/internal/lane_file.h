// The storage of one lane: segments in a folder, and what of them is committed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/disk.h"
#include "base/mutex.h"
#include "worker/log/file/file_log.h"
#include "worker/log/file/internal/format.h"
#include "worker/log/log.h"

namespace streamml::log::internal {

// A read header and where its transaction stands.
struct ReadCommit {
  CommitHeader header;
  Position at;
  Position next;
};

// Open() checks everything; then one thread appends and any number read up to the committed end.
// Thread-safe.
class LaneFile {
 public:
  static absl::StatusOr<std::unique_ptr<LaneFile>> Open(Disk& disk, const std::string& folder,
                                                        uint32_t lane,
                                                        const FileLogOptions& options,
                                                        std::vector<std::string>& notes);

  // Writes and syncs a transaction, then makes it visible. After an error of the disk, each later
  // call returns that same error: nobody knows what of it is in the file until it is opened anew.
  absl::Status Append(const Transaction& transaction);

  Position begin() const;
  Position end() const;
  // Where the last transaction stands; nullopt while there is none.
  std::optional<Position> last() const;
  // Removes the oldest segments that end at or before this byte, but never the newest. One thread
  // at a time; others may read and append meanwhile. After an error each later call returns it.
  absl::Status RemoveBefore(uint64_t bytes);
  // OUT_OF_RANGE when transactions from `position` on were removed.
  absl::Status CheckKept(const Position& position) const;
  // Path of the segment holding the byte at `bytes`, and the byte's offset in it.
  std::pair<std::string, uint64_t> Locate(uint64_t bytes) const;
  // Reads up to `size` bytes at `bytes`, within one segment. All readers share the few open files.
  absl::Status ReadAt(uint64_t bytes, size_t size, std::string& out) const;

 private:
  struct Segment {
    uint64_t base = 0;
    uint64_t first_sequence = 1;
    std::string path;
    uint64_t size = 0;  // as it was found
  };
  struct OpenSegment {
    uint64_t base = 0;
    std::shared_ptr<const ReadFile> file;  // shared with those who read right now
  };

  LaneFile(Disk& disk, std::string folder, uint32_t lane, const FileLogOptions& options)
      : disk_(disk), folder_(std::move(folder)), lane_(lane), options_(options) {}

  absl::Status FindSegments(std::vector<std::string>& notes);
  absl::Status CheckSegments(std::vector<std::string>& notes);
  absl::Status CheckOrder(const std::vector<Segment>& segments) const;
  absl::Status CheckSegment(const Segment& segment, bool last, std::vector<std::string>& notes);
  absl::Status CutTail(const Segment& segment, const std::string& bytes, uint64_t offset,
                       std::string_view what, std::vector<std::string>& notes);
  absl::Status CheckSize(const Transaction& transaction) const;
  absl::Status Write(const Transaction& transaction);
  absl::Status StartSegment();
  absl::StatusOr<std::shared_ptr<const ReadFile>> OpenToRead(uint64_t base,
                                                             const std::string& path) const;
  absl::Status Damaged(const Segment& segment, uint64_t offset, std::string_view what) const;

  Disk& disk_;
  const std::string folder_;
  const uint32_t lane_;
  const FileLogOptions options_;

  mutable Mutex mutex_;
  std::vector<Segment> segments_ ABSL_GUARDED_BY(mutex_);
  mutable std::vector<OpenSegment> readers_ ABSL_GUARDED_BY(mutex_);  // the last used one is last
  Position end_ ABSL_GUARDED_BY(mutex_);
  std::optional<Position> last_ ABSL_GUARDED_BY(mutex_);

  absl::Status removal_failed_;  // of the removing thread

  // Used by the appending thread and Open() only.
  std::optional<uint64_t> last_hash_ = 0;  // nullopt: that of the next header is believed
  std::unique_ptr<AppendFile> file_;
  uint64_t file_base_ = 0;
  std::string buffer_;
  absl::Status failed_;  // the first error of a write
};

// Walks the transactions of a lane from a position. Must not outlive the file. One thread.
class CommitCursor {
 public:
  CommitCursor(const LaneFile& file, const Position& start) : file_(file), position_(start) {}

  // The header of the next committed transaction, or nullopt when there is none yet. The same one
  // until it is passed, so that what cannot be read is not skipped.
  absl::StatusOr<std::optional<ReadCommit>> Next();
  void Pass(const ReadCommit& commit) { position_ = commit.next; }
  // The journal record, or a frame's rows, of a transaction that Next() returned.
  absl::StatusOr<std::string> ReadJournal(const ReadCommit& commit);
  absl::StatusOr<std::string> ReadFrame(const ReadCommit& commit, size_t index);

 private:
  absl::StatusOr<std::string> ReadChecked(const ReadCommit& commit, uint64_t offset, size_t size,
                                          uint64_t hash, std::string_view what);

  const LaneFile& file_;
  Position position_;
  std::string scratch_;
};

}  // namespace streamml::log::internal
