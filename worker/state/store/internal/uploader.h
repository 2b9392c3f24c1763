// Copies the newest snapshot of a lane to the store. The rules that keep it and the removal of what
// nobody needs apart stand in collector.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/disk.h"
#include "worker/state/store/internal/lane_store.h"

namespace streamml::state {

// A snapshot on this disk.
struct LocalSnapshot {
  SnapshotInfo info;
  std::vector<SnapshotFile> files;
};

// Used by one thread at a time.
class Uploader {
 public:
  // `stop` is asked between two pieces of a file.
  Uploader(LaneStore& store, Disk& disk, Clock& clock, int64_t grace_us,
           std::function<bool()> stop);

  // When this returns OK, the snapshot is in the store. Files that are there already, of another
  // snapshot or of an upload that failed a while ago, are not sent again. Errors as ObjectStore;
  // NOT_FOUND when the snapshot is not on this disk any more.
  absl::Status Upload(const LocalSnapshot& snapshot);

 private:
  struct Plan {
    Manifest manifest;
    std::vector<const SnapshotFile*> sources;  // of the files to send, else null
  };
  using HashAndSize = std::pair<Sha256Bytes, uint64_t>;

  // What is in the store, by what is known of a file without reading it and by content.
  struct Stored {
    std::map<std::string, StoredFile> by_digest;
    std::map<HashAndSize, std::string> by_hash;
  };
  absl::StatusOr<bool> FindStored(const SnapshotInfo& wanted, Stored& stored);
  absl::StatusOr<Plan> MakePlan(const LocalSnapshot& snapshot, const Stored& stored);
  absl::Status Announce(const Manifest& manifest);
  absl::Status Send(const Plan& plan);
  absl::Status Publish(const Manifest& manifest);
  // Whether what was announced until now may be forgotten by others.
  bool IsOverdue() const;

  LaneStore& store_;
  Disk& disk_;
  Clock& clock_;
  const int64_t grace_us_;
  const std::function<bool()> stop_;
  const std::string upload_name_;                  // under uploads/
  std::optional<int64_t> announced_us_;            // when the newest announcement was begun
  uint64_t num_announced_ = 0;                     // makes each announcement another
  std::map<HashAndSize, std::string> unfinished_;  // files/ of uploads that failed
};

}  // namespace streamml::state
