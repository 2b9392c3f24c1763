// The snapshot that waits for its upload, the upload under way, and what is told of both.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/mutex.h"
#include "worker/state/store/internal/collector.h"
#include "worker/state/store/internal/lane_store.h"
#include "worker/state/store/internal/uploader.h"
#include "worker/state/store/stored_snapshots.h"

namespace streamml::state {

// Thread-safe but for UploadNow. The store, disk and clock must outlive it.
class UploadQueue {
 public:
  UploadQueue(LaneStore& store, Disk& disk, Clock& clock, const StoredSnapshotsOptions& options);
  // Ends what is under way.
  ~UploadQueue();
  UploadQueue(const UploadQueue&) = delete;
  UploadQueue& operator=(const UploadQueue&) = delete;

  // Takes the place of the snapshot that waits. Its files must stay as long as it is in use.
  void Offer(LocalSnapshot snapshot);
  // This owner saved a snapshot at this sequence.
  void NoteSaved(uint64_t sequence);
  // As Uploads.
  void NoteLetGo();
  // A snapshot was saved and cannot be offered.
  void TellProblem(const absl::Status& problem);
  // The snapshots whose files are read, or will be.
  std::vector<SnapshotKey> InUse() const;

  // The journal knows, from this sequence on, only `known`: what waits is dropped if it is not.
  void Forget(uint64_t from, std::optional<SnapshotKey> known);
  void Keep(std::vector<SnapshotKey> keys);
  Retention retention() const;

  UploadStatus status() const;
  void Finish(int64_t timeout_us);
  absl::Status UploadNow();

 private:
  void Run();
  // Waits for something to do; false: stop.
  bool AwaitWork();
  bool IsUploadDue(int64_t now_us) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status UploadOne();
  void NoteResult(LocalSnapshot snapshot, const absl::Status& status);
  absl::Status Collect();

  Clock& clock_;
  const StoredSnapshotsOptions options_;
  std::atomic<bool> stop_{false};
  Uploader uploader_;  // these two: of the thread, or of UploadNow's
  Collector collector_;

  mutable Mutex mutex_;
  mutable ConditionVariable changed_;
  std::optional<LocalSnapshot> waiting_ ABSL_GUARDED_BY(mutex_);
  std::optional<SnapshotKey> current_ ABSL_GUARDED_BY(mutex_);
  Retention retention_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_saved_ ABSL_GUARDED_BY(mutex_) = 0;
  UploadStatus status_ ABSL_GUARDED_BY(mutex_);
  // Of the snapshots offered since the current upload began.
  uint64_t num_behind_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t behind_since_us_ ABSL_GUARDED_BY(mutex_) = 0;
  int num_failures_ ABSL_GUARDED_BY(mutex_) = 0;  // in a row
  int64_t next_upload_us_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t next_collect_us_ ABSL_GUARDED_BY(mutex_) = 0;
  bool hurry_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_thread_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace streamml::state
