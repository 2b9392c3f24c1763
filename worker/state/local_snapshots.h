// Snapshots on this worker's disk, whose files can be copied elsewhere and back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/hash.h"
#include "worker/state/snapshot_store.h"

namespace streamml::state {

// One file of a snapshot.
struct SnapshotFile {
  std::string name;  // unique in the snapshot; not a path
  std::string path;  // where it is on this disk
  uint64_t size = 0;
  Digest digest;  // of the content, chained over pieces of 1 MiB
};

// The files of a lane's snapshots. Used by the thread that uses the SnapshotStore.
class SnapshotFiles {
 public:
  virtual ~SnapshotFiles() = default;

  // All files of a published snapshot. They do not change as long as the snapshot is there, and may
  // then be read by any thread. NOT_FOUND; DATA_LOSS for one that is damaged, as far as List sees.
  virtual absl::StatusOr<std::vector<SnapshotFile>> FilesOf(const SnapshotKey& key) = 0;

  // From now on, and until the next call, these snapshots are not removed for being old.
  virtual void Hold(std::vector<SnapshotKey> keys) = 0;

  // To bring a snapshot in: BeginImport empties the place for it and says where the file of each
  // of `names` is to be written; when all are there and synced, EndImport publishes them, durably
  // and in one step, in place of what stands under `key`. Nothing is checked here: what was written
  // is checked as any snapshot is when it is restored.
  virtual absl::StatusOr<std::vector<std::string>> BeginImport(
      const SnapshotKey& key, const std::vector<std::string>& names) = 0;
  virtual absl::Status EndImport(const SnapshotKey& key) = 0;
};

class LocalSnapshots : public SnapshotStore, public SnapshotFiles {};

}  // namespace streamml::state
