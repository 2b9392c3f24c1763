// The lanes of one worker: follows lanes, takes them over, runs them and lets them go, as it is
// told, each lane in a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "worker/lane/lane.h"
#include "worker/lane/run.h"
#include "worker/log/log.h"
#include "worker/state/snapshot_store.h"

namespace streamml::lane {

namespace internal {
class HostedLane;
}

// What a worker is to do with a lane. Not named in an assignment: nothing, and an owner lets go.
enum class Role {
  kNone,
  kFollow,  // stand by: restored and within a commit of the owner, ready to take over
  kOwn,
};

// What a worker does with a lane at the moment.
enum class Phase {
  kRestoring,  // reading the journal, restoring a snapshot, replaying
  kFollowing,  // replaying what the owner commits
  kTaking,     // shutting out the last owner, replaying the tail, claiming
  kRunning,    // owns it
  kReleased,   // does nothing with it; an owner has committed and let go
  kFinished,   // its inputs have ended
  kWaiting,  // failed for a reason that may pass, or lost it to another owner: comes back by itself
  // Failed, and a person has to look. Where it may help it is tried again, less and less often;
  // not after DATA_LOSS, FAILED_PRECONDITION (another job's journal, another fingerprint) and the
  // like: then only an assignment with another epoch makes it try.
  kFailed,
};

struct LaneFacts {
  uint32_t lane = 0;
  Phase phase = Phase::kReleased;
  uint64_t epoch = 0;      // of the assignment that it acts on
  bool caught_up = false;  // following: within a few commits of what the journal holds
  LaneProgress progress;   // as of the last commit, or the last record that was followed
  int64_t looked_us = 0;   // by the host's clock: when `progress` was looked at; 0: never
  int64_t stalled_us = 0;  // how long it has waited for the log, which it needs to go on
  double busy = 0;         // share of time in which it did not wait, 0 to 1, over the last second
  absl::Status problem;    // why it waits or failed
  // The last assignment under which another process had the lane when this one took it
  // (Lane::IsContested); 0: none.
  uint64_t contested_epoch = 0;
};

struct LaneSnapshot {
  uint32_t lane = 0;
  uint64_t sequence = 0;  // journal position that it captures
};

// Makes what a lane needs. Thread-safe; what is made is used by one thread.
struct LaneFactory {
  std::function<absl::StatusOr<LaneSpec>(uint32_t lane, const StopFunction& stop)> spec;
  std::function<absl::StatusOr<std::unique_ptr<state::SnapshotStore>>(uint32_t lane)> snapshots;
  std::function<LaneEnvironment(state::SnapshotStore& snapshots, StopFunction stop)> environment;
};

// Thread-safe.
class LaneHost {
 public:
  // What the factory and these refer to must outlive the host. `note` gets lines for people, from
  // any thread.
  LaneHost(LaneFactory factory, log::Log& log, Clock& clock, RunOptions options,
           std::function<void(const std::string& note)> note);
  ~LaneHost();  // as Stop()

  // From now on the lanes named are wanted, others are not. Returns at once; Facts() tells what
  // becomes of it. FAILED_PRECONDITION for an epoch (from 1) lower than the last one, and for the
  // same with other content.
  absl::Status Assign(uint64_t epoch, const std::map<uint32_t, Role>& lanes);
  // By lane, of all that were ever named.
  std::vector<LaneFacts> Facts() const;
  // Grows with each change of a phase and of being caught up.
  uint64_t version() const;
  // Waits until the version differs from `seen` or the time is over.
  void AwaitChange(uint64_t seen, int64_t timeout_us);
  // Takes snapshots of what these lanes have processed by now, while they go on, and waits until
  // all are durable; no lanes: all that run here. FAILED_PRECONDITION when one does not run here,
  // or lets go meanwhile; UNAVAILABLE when it is not done in time.
  absl::StatusOr<std::vector<LaneSnapshot>> Snapshot(const std::vector<uint32_t>& lanes,
                                                     int64_t timeout_us);
  // The same, and hands each to what `take` makes for it, which is done, or has been dropped, when
  // this returns OK; after an error it may still be called.
  using ExportMaker = std::function<SnapshotExport(uint32_t lane)>;
  absl::StatusOr<std::vector<LaneSnapshot>> Export(const std::vector<uint32_t>& lanes,
                                                   const ExportMaker& take, int64_t timeout_us);
  // Lets go of all lanes, each with a commit and a snapshot, and ends. After that only Facts().
  void Stop();

 private:
  friend class internal::HostedLane;
  void NoteChange();
  std::vector<internal::HostedLane*> All() const;

  const LaneFactory factory_;
  log::Log& log_;
  Clock& clock_;
  const RunOptions options_;
  const std::function<void(const std::string& note)> note_;
  Mutex stop_mutex_;  // of one Stop() at a time
  mutable Mutex mutex_;
  mutable ConditionVariable changed_;
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<uint32_t, Role> wanted_ ABSL_GUARDED_BY(mutex_);
  std::map<uint32_t, std::unique_ptr<internal::HostedLane>> lanes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace streamml::lane
