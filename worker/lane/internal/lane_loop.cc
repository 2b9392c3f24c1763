#include "worker/lane/internal/lane_loop.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace streamml::lane::internal {
namespace {

constexpr size_t kRowsAtOnce = 8192;  // between two looks at the clock
constexpr size_t kMaxUncommittedBytes = 4 << 20;
constexpr int64_t kMinCommitIntervalUs = 10'000;
constexpr int64_t kPublishIntervalUs = 200'000;
constexpr int64_t kIdlePublishIntervalUs = 1'000'000;
constexpr int64_t kOwnerLookUs = 2'000'000;  // how soon an idle lane sees that it was replaced

uint64_t RowsRead(const Lane& lane) { return lane.executor().counters().front().second; }

}  // namespace

LaneLoop::LaneLoop(Lane& lane, log::Log& log, Clock& clock, const RunOptions& options,
                   std::function<void()> publish)
    : lane_(lane),
      log_(log),
      clock_(clock),
      options_(options),
      publish_(std::move(publish)),
      min_commit_interval_(std::min(kMinCommitIntervalUs, options.commit_interval_us)),
      commit_interval_(kMinCommitIntervalUs),
      last_commit_(clock.MonotonicMicroseconds()),
      last_snapshot_(last_commit_),
      rows_at_commit_(RowsRead(lane)) {}

absl::Status LaneLoop::Step(int64_t idle_wait_us, bool& idle) {
  const uint64_t seen = log_.version();
  const size_t rows = options_.commit_rows > 0 ? options_.commit_rows : kRowsAtOnce;
  ASSIGN_OR_RETURN(const bool progress, lane_.Advance(rows));
  if (lane_.at_end()) return lane_.Finish();
  const int64_t now = clock_.MonotonicMicroseconds();
  RETURN_IF_ERROR(Tick(now));
  // A lane that has caught up commits soon, so that rows get through quickly; one that is busy
  // commits less and less often, up to the limit, because each commit is a sync.
  const int64_t wanted = progress ? commit_interval_ : min_commit_interval_;
  const bool commit_now = CanBeginSnapshot() || CommitIsDue(wanted, now);
  if (lane_.has_uncommitted() && commit_now) return Commit(progress, now);
  if (progress) return absl::OkStatus();
  idle = !lane_.has_uncommitted();
  if (idle) {
    if (CanBeginSnapshot()) RETURN_IF_ERROR(BeginSnapshot(now));
    Publish(now, kIdlePublishIntervalUs);
  }
  return Wait(idle ? idle_wait_us : wanted - (now - last_commit_), seen, now, idle);
}

bool LaneLoop::CommitIsDue(int64_t wanted, int64_t now) const {
  return now - last_commit_ >= wanted || lane_.must_commit() ||
         lane_.uncommitted_bytes() >= kMaxUncommittedBytes ||
         (options_.commit_rows > 0 && RowsRead(lane_) - rows_at_commit_ >= options_.commit_rows);
}

absl::Status LaneLoop::Commit(bool progress, int64_t now) {
  RETURN_IF_ERROR(lane_.Commit());
  last_commit_ = now;
  rows_at_commit_ = RowsRead(lane_);
  commit_interval_ = std::clamp<int64_t>(progress ? commit_interval_ * 2 : commit_interval_ / 2,
                                         min_commit_interval_, options_.commit_interval_us);
  const bool is_due =
      now - last_snapshot_ >= options_.snapshot_interval_us || lane_.needs_snapshot();
  if (CanBeginSnapshot() || (is_due && !lane_.snapshot_under_way())) {
    RETURN_IF_ERROR(BeginSnapshot(now));
  }
  Publish(now, kPublishIntervalUs);
  return absl::OkStatus();
}

absl::Status LaneLoop::BeginSnapshot(int64_t now) {
  snapshot_wanted_ = false;
  last_snapshot_ = now;
  if (exports_.empty()) return lane_.StartSnapshot();
  return lane_.StartExport([exports = std::exchange(exports_, {})](
                               const state::SnapshotInfo& snapshot, state::SnapshotStore& store) {
    for (const SnapshotExport& take : exports) take(snapshot, store);
  });
}

void LaneLoop::Publish(int64_t now, int64_t interval_us) {
  if (now - last_publish_ < interval_us) return;
  publish_();
  last_publish_ = now;
}

absl::Status LaneLoop::Wait(int64_t timeout_us, uint64_t seen, int64_t now, bool idle) {
  if (idle && now - std::max(last_commit_, last_owner_look_) >= kOwnerLookUs) {
    RETURN_IF_ERROR(lane_.CheckNotReplaced());
    last_owner_look_ = now;
  }
  const int64_t before = clock_.MonotonicMicroseconds();
  log_.WaitForCommit(seen, timeout_us);
  waited_us_ += clock_.MonotonicMicroseconds() - before;
  return absl::OkStatus();
}

// Inputs that have had nothing for their idle time no longer hold back the others.
absl::Status LaneLoop::Tick(int64_t now) {
  const Executor& executor = lane_.executor();
  empty_since_.resize(executor.inputs().size(), -1);
  std::vector<bool> idle(empty_since_.size());
  bool any = false;
  for (size_t i = 0; i < idle.size(); ++i) {
    const int64_t idle_us = executor.inputs()[i]->idle_us();
    if (idle_us == 0) continue;
    int64_t& since = empty_since_[i];
    if (!executor.was_empty()[i]) since = -1;
    if (executor.was_empty()[i] && since < 0) since = now;
    idle[i] = since >= 0 && now - since >= idle_us;
    any = any || idle[i];
  }
  return any ? lane_.RaiseIdle(idle) : absl::OkStatus();
}

}  // namespace streamml::lane::internal
