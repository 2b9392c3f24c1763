// Snapshots of a lane on this worker's disk, copied to an ObjectStore, from which any worker can
// restore them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/disk.h"
#include "worker/state/local_snapshots.h"
#include "worker/state/store/object_store.h"

namespace streamml::state {

struct StoredSnapshotsOptions {
  std::string prefix;  // of all keys of this lane: a key and '/'
  int64_t upload_interval_us = 60'000'000;
  // How long what nobody needs stays in the store. Longer than any pause of a worker that is to go
  // on with its upload afterwards.
  int64_t grace_us = 3'600'000'000;
  size_t num_kept = 2;  // newest snapshots that stay in the store
  // Where uploads run: in a thread of the store's own, or in UploadNow() alone.
  enum class Uploads { kThread, kByHand } uploads = Uploads::kThread;
};

// Besides what SnapshotStore says:
//
// Save is done when the snapshot is durable on this disk. It is then uploaded; while an upload is
// under way or the store is away, only the newest snapshot waits, so that the store catches up
// with one upload, however long it was away.
//
// List shows each snapshot once, wherever it is. When the store cannot be asked, it shows those of
// this disk and says so in `problems` and listed_all(); when there are none, it fails, because a
// lane that lost its disk must not begin anew for that. Restore and Read fetch what is not on this
// disk.
//
// The store keeps the newest `num_kept` of the journal's history, those named to Keep(), and
// those that are pinned. Clear, and the first Save after a Restore, remove nothing from it at once:
// what they make unknown is not shown any more in this life, and goes when this owner has shown,
// by saving twice, that the lane is its own, and the grace time is over.
//
// Several owners of the lane may use the store at the same time, on different disks.
class StoredSnapshots : public SnapshotStore, public Uploads {
 public:
  // Says that the snapshot is not to be removed from the store, for all workers and lives. It must
  // be there (else NOT_FOUND) and should be one of the newest, which are sure to stay meanwhile.
  // `name` is a name of an object's key.
  virtual absl::Status Pin(const SnapshotKey& key, const std::string& name) = 0;
  virtual absl::Status Unpin(const SnapshotKey& key, const std::string& name) = 0;

  Uploads* uploads() override { return this; }
  // For Uploads::kByHand: one attempt at what is pending, and one look for what may be removed.
  virtual absl::Status UploadNow() = 0;
};

// `disk` is the one that `local` is on. All arguments must outlive the store. Its destructor ends
// an upload that is under way as soon as the object store lets it.
std::unique_ptr<StoredSnapshots> MakeStoredSnapshots(std::unique_ptr<LocalSnapshots> local,
                                                     Disk& disk, ObjectStore& objects, Clock& clock,
                                                     const StoredSnapshotsOptions& options);

}  // namespace streamml::state
