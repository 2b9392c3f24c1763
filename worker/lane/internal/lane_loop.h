// What a running lane does over and over: read, process, tick, commit and take snapshots when they
// are due, wait when there is nothing to do.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "worker/lane/lane.h"
#include "worker/lane/run.h"
#include "worker/log/log.h"

namespace streamml::lane::internal {

// One thread. All it is made with must outlive it.
class LaneLoop {
 public:
  // Commits, as the runner's options say. `publish` is called when all that was processed is
  // committed, some five times a second at most while it commits, and about once a second while
  // there is nothing to do.
  LaneLoop(Lane& lane, log::Log& log, Clock& clock, const RunOptions& options,
           std::function<void()> publish);

  // One round. Waits at most `idle_wait_us` when there is nothing to do, and sets `idle` then; not
  // for a lane that has come to its end, which is finished by it.
  absl::Status Step(int64_t idle_wait_us, bool& idle);
  // A snapshot of what is processed by now is taken as soon as may be: snapshot_wanted() until it
  // has begun, and then the lane's snapshot_under_way(). Each of `exports` gets it.
  void WantSnapshot(std::vector<SnapshotExport> exports) {
    snapshot_wanted_ = true;
    exports_ = std::move(exports);
  }
  bool snapshot_wanted() const { return snapshot_wanted_; }
  // Microseconds spent waiting, in all rounds.
  int64_t waited_us() const { return waited_us_; }

 private:
  absl::Status Tick(int64_t now);
  bool CommitIsDue(int64_t wanted, int64_t now) const;
  absl::Status Commit(bool progress, int64_t now);
  bool CanBeginSnapshot() const { return snapshot_wanted_ && !lane_.snapshot_under_way(); }
  absl::Status BeginSnapshot(int64_t now);
  void Publish(int64_t now, int64_t interval_us);
  absl::Status Wait(int64_t timeout_us, uint64_t seen, int64_t now, bool idle);

  Lane& lane_;
  log::Log& log_;
  Clock& clock_;
  const RunOptions& options_;
  const std::function<void()> publish_;
  const int64_t min_commit_interval_;
  std::vector<int64_t> empty_since_;  // by input; -1: had something at the last look
  int64_t commit_interval_;           // adapts
  int64_t last_commit_;
  int64_t last_snapshot_;
  bool snapshot_wanted_ = false;
  std::vector<SnapshotExport> exports_;
  int64_t last_publish_ = 0;
  int64_t last_owner_look_ = 0;
  uint64_t rows_at_commit_;
  int64_t waited_us_ = 0;
};

}  // namespace streamml::lane::internal
