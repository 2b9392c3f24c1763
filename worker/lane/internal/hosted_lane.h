// One lane of a LaneHost, in a thread of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "worker/lane/host.h"

namespace streamml::lane::internal {

class LaneLoop;

// Orders, and questions for facts and snapshots, may come from any thread; the rest is the lane's
// own thread. The host must outlive it.
class HostedLane {
 public:
  HostedLane(LaneHost& host, uint32_t index);
  ~HostedLane();  // Stop() and Join()

  void Order(uint64_t epoch, Role role);
  // Lets go, with a snapshot, soon. Returns at once.
  void Stop();
  // Awaits the end of the thread, which Stop() asks for. One thread at a time.
  void Join();
  LaneFacts Facts() const;

  // Asks for a snapshot of what is processed by now, to be awaited, and handed to `take`, which may
  // be empty. 0: the lane does not run here.
  using SnapshotTicket = uint64_t;
  SnapshotTicket AskSnapshot(SnapshotExport take);
  // The position of the snapshot, or a later one, that is durable. Errors as LaneHost::Snapshot.
  absl::StatusOr<uint64_t> AwaitSnapshot(SnapshotTicket ticket, int64_t end_us);
  static absl::Status DoesNotRun(uint32_t lane);

 private:
  struct Wish {
    uint64_t epoch = 0;
    Role role = Role::kNone;
    bool stop = false;
  };
  Wish wish() const;
  void Run();
  absl::Status Serve();
  absl::Status Open();
  absl::Status FollowUntilOwner();
  void AwaitNewerAssignment(uint64_t epoch, const absl::Status& outdated);
  absl::Status Own(uint64_t epoch);
  absl::Status RunUntilLetGo();
  absl::Status RunWhileOwner();
  absl::Status LetGo();
  void FinishUploads();
  void ServeSnapshots(LaneLoop& loop);
  void NoteSnapshots(SnapshotTicket ticket);
  void Retreat(const absl::Status& status);
  void SleepUnlessChanged(uint64_t epoch, int64_t timeout_us);
  void Enter(Phase phase, bool caught_up = false);
  bool Runs() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Since the wish of `epoch` was heeded there is something to do.
  bool HasChanged(uint64_t epoch) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Publish();
  void MeasureBusy(int64_t waited_us);

  LaneHost& host_;
  const uint32_t index_;
  std::unique_ptr<state::SnapshotStore> snapshots_;
  std::unique_ptr<Lane> lane_;  // uses the store
  uint64_t acted_epoch_ = 0;
  int failures_ = 0;  // in a row
  // By the host's clock, when it last got on; 0: it does not need to. Read by any thread.
  std::atomic<int64_t> got_on_us_ = 0;
  int64_t busy_since_ = 0;
  int64_t waited_then_ = 0;
  SnapshotTicket taking_ = 0;  // what the snapshot that is wanted or under way will answer

  mutable Mutex mutex_;
  ConditionVariable ordered_;  // also that phases change and snapshots are done
  Wish wish_ ABSL_GUARDED_BY(mutex_);
  LaneFacts facts_ ABSL_GUARDED_BY(mutex_);
  SnapshotTicket snapshot_asked_ ABSL_GUARDED_BY(mutex_) = 0;    // the last
  SnapshotTicket snapshot_done_ ABSL_GUARDED_BY(mutex_) = 0;     // the last that was answered
  uint64_t snapshot_sequence_ ABSL_GUARDED_BY(mutex_) = 0;       // with this position
  std::vector<SnapshotExport> exports_ ABSL_GUARDED_BY(mutex_);  // of those not begun yet
  std::thread thread_;                                           // last: it uses the others
};

}  // namespace streamml::lane::internal
