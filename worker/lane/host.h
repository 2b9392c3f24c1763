// The lanes of one worker: follows lanes, takes them over, runs them and lets them go, as it is
// told, each lane in a thread of its own.
#pragma once

#include <atomic>
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

// What a worker is to do with a lane. Not named in an assignment: nothing; an owner lets go.
enum class Role {
  kFollow,  // stand by: restored and within a commit of the owner, ready to take over
  kOwn,
};

// What a worker does with a lane at the moment.
enum class Phase {
  kRestoring,  // reading the journal, restoring a snapshot, replaying
  kFollowing,  // caught up with the owner, or nearly
  kTaking,     // fencing the last owner, replaying the tail, claiming
  kRunning,    // owns it
  kReleasing,  // committing and letting go
  kReleased,   // let go; reported once, then the lane is not named any more
  kFinished,   // its inputs have ended
  kWaiting,    // failed for a reason that may pass, or lost it to another owner: comes back by itself
  kFailed,     // failed; needs a person
};

struct LaneFacts {
  uint32_t lane = 0;
  Phase phase = Phase::kRestoring;
  uint64_t epoch = 0;         // of the assignment that it acts on
  bool caught_up = false;     // following: has executed all that the journal held at the last look
  LaneProgress progress;      // as of the last commit, or the last record followed
  double busy = 0;            // share of the last seconds in which it was not waiting, 0 to 1
  absl::Status problem;       // why it waits or failed
};

// Makes what a lane needs. Thread-safe; what is made is used by one thread.
struct LaneFactory {
  std::function<absl::StatusOr<LaneSpec>(uint32_t lane)> spec;
  std::function<absl::StatusOr<std::unique_ptr<state::SnapshotStore>>(uint32_t lane)> snapshots;
  // All but `snapshots` and `stop` filled in; a template for every lane.
  std::function<LaneEnvironment(state::SnapshotStore& snapshots)> environment;
};

// Thread-safe.
class LaneHost {
 public:
  // All must outlive the host. `note` gets lines for people, from any thread.
  LaneHost(LaneFactory factory, log::Log& log, Clock& clock, RunOptions options,
           std::function<void(const std::string& note)> note);
  ~LaneHost();  // as Stop()

  // From now on the lanes named are wanted, others are not. Returns at once; Facts() tells what
  // becomes of it. FAILED_PRECONDITION for an epoch lower than the last one, and for the same with
  // other content.
  absl::Status Assign(uint64_t epoch, const std::map<uint32_t, Role>& lanes);
  // By lane, of all that are wanted or not yet let go.
  std::vector<LaneFacts> Facts() const;
  // Number that grows with each change of phase; waits until it differs from `seen` or the time is
  // over.
  uint64_t version() const;
  void AwaitChange(uint64_t seen, int64_t timeout_us);
  // Lets go of all lanes, each with a commit and a snapshot, and ends. After that only Facts().
  void Stop();
};

}  // namespace streamml::lane
