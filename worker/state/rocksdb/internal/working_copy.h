// The RocksDB database that holds the entries of the newest snapshot and takes the next changes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/hash.h"
#include "worker/state/snapshot_store.h"

namespace rocksdb {
class DB;
}  // namespace rocksdb

namespace streamml::state {

// Sum over all entries.
struct StateSum {
  Digest digest;
  uint64_t num_entries = 0;
  friend bool operator==(const StateSum&, const StateSum&) = default;
};

// Has no log of its own: what is not in a checkpoint is lost with the process, as it may be. After
// an error it must be given up. Used by one thread at a time.
class WorkingCopy {
 public:
  enum class Origin { kNew, kCheckpoint };
  // Opens the database in `folder`, which is empty and becomes a database, or is a checkpoint.
  static absl::StatusOr<std::unique_ptr<WorkingCopy>> Open(const std::string& folder,
                                                           Origin origin);
  ~WorkingCopy();
  WorkingCopy(const WorkingCopy&) = delete;
  WorkingCopy& operator=(const WorkingCopy&) = delete;

  // Applies the changes, of those to one entry the last, and keeps `sum` equal to the entries.
  absl::Status Apply(const std::vector<StateChange>& changes, StateSum& sum);
  // Makes `folder`, which must be absolute and not exist, a database of its own with all entries.
  absl::Status Checkpoint(const std::string& folder) const;
  // The value of an entry. NOT_FOUND. Any thread, also during Apply and Checkpoint.
  absl::Status Get(std::string_view state, std::string_view key, std::string& value) const;
  // Hands over every entry, with all checksums checked.
  absl::Status ForEach(const SnapshotStore::EntryFunction& entry) const;

 private:
  explicit WorkingCopy(std::unique_ptr<rocksdb::DB> database);

  std::unique_ptr<rocksdb::DB> database_;
};

}  // namespace streamml::state
