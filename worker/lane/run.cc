#include "worker/lane/run.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/status.h"
#include "worker/operators/model.h"

namespace streamml::lane {

namespace {
constexpr size_t kRowsAtOnce = 8192;  // between two looks at the clock
constexpr size_t kMaxUncommittedBytes = 4 << 20;
constexpr int64_t kIdleWaitUs = 200'000;  // also how soon a stop is seen
constexpr int64_t kMinCommitIntervalUs = 10'000;
constexpr int64_t kOwnerLookUs = 2'000'000;  // how soon an idle lane sees that it was replaced
constexpr int64_t kProgressIntervalUs = 200'000;
}  // namespace

struct LaneTimes {
  std::vector<int64_t> empty_since;                // by input; -1: had something at the last look
  int64_t commit_interval = kMinCommitIntervalUs;  // adapts, see Step
  int64_t last_commit = 0;
  int64_t last_snapshot = 0;
  int64_t last_publish = 0;
  int64_t last_owner_look = 0;
  uint64_t rows_at_commit = 0;
};

std::vector<ModelProgress> Models(const Lane& lane) {
  std::vector<ModelProgress> models;
  const Executor& executor = lane.executor();
  for (size_t i = 0; i < executor.operators().size(); ++i) {
    const auto* model =
        dynamic_cast<const operators::ModelOperator*>(executor.operators()[i].get());
    if (model == nullptr) continue;
    operators::ModelReport report = model->Report();
    models.push_back({executor.stage().nodes[i].owner, report.examples, std::move(report.metrics)});
  }
  return models;
}

LaneProgress ProgressOf(const Lane& lane) {
  LaneProgress progress;
  progress.counters = lane.executor().counters();
  progress.watermark = lane.executor().watermark();
  progress.journal_sequence = lane.journal_sequence();
  progress.num_commits = lane.num_commits();
  progress.finished = lane.finished();
  progress.models = Models(lane);
  return progress;
}

JobRunner::JobRunner(std::vector<std::unique_ptr<Lane>>& lanes, log::Log& log, Clock& clock,
                     RunOptions options)
    : lanes_(lanes),
      log_(log),
      clock_(clock),
      options_(options),
      progress_(lanes.size()),
      ended_(lanes.size()) {
  for (size_t i = 0; i < lanes_.size(); ++i) Publish(i);
}

void JobRunner::Publish(size_t index) {
  LaneProgress progress = ProgressOf(*lanes_[index]);
  const MutexLock lock(mutex_);
  progress_[index] = std::move(progress);
}

std::vector<LaneProgress> JobRunner::Progress() const {
  const MutexLock lock(mutex_);
  return progress_;
}

absl::Status JobRunner::Run() {
  std::vector<std::thread> threads;
  threads.reserve(lanes_.size());
  for (size_t i = 0; i < lanes_.size(); ++i) {
    threads.emplace_back([this, i] { NoteEnd(i, RunLane(i)); });
  }
  for (std::thread& thread : threads) thread.join();
  const MutexLock lock(mutex_);
  return first_error_;
}

void JobRunner::NoteEnd(size_t index, const absl::Status& result) {
  if (!result.ok() && !lanes_[index]->input_failed()) failed_.store(true);
  const MutexLock lock(mutex_);
  ended_[index] = true;
  if (first_error_.ok()) first_error_ = result;
}

absl::Status JobRunner::RunLane(size_t index) {
  Lane& lane = *lanes_[index];
  LaneTimes times;
  times.last_commit = times.last_snapshot = clock_.MonotonicMicroseconds();
  times.rows_at_commit = lane.executor().counters().front().second;
  while (!lane.finished()) {
    if (stop_.load() || failed_.load() || IsPast(lane)) {
      RETURN_IF_ERROR(lane.Stop());
      break;
    }
    // Asked before the look for something to do: who has ended gives nothing more.
    const bool last_look = end_time_.load() != data::kMaxTime && EarlierLanesEnded(index);
    bool idle = false;
    const absl::Status status = Step(lane, index, times, idle);
    if (!status.ok() && lane.input_failed()) return StopBecauseOfInput(index, status);
    RETURN_IF_ERROR(status);
    if (last_look && idle) {
      RETURN_IF_ERROR(lane.Stop());
      break;
    }
  }
  Publish(index);
  return absl::OkStatus();
}

// All that the lane read is committed. The snapshot spares the next life the way here.
absl::Status JobRunner::StopBecauseOfInput(size_t index, const absl::Status& failure) {
  Lane& lane = *lanes_[index];
  absl::Status stopped = lane.Stop();
  Publish(index);
  if (!stopped.ok()) {
    failed_.store(true);
    return stopped;
  }
  const int64_t reached = std::min(lane.executor().watermark(), data::kMaxTime - 1);
  int64_t end_time = end_time_.load();
  while (reached < end_time && !end_time_.compare_exchange_weak(end_time, reached)) {
  }
  return failure;
}

// A lane that reads files need not go beyond the end that an input's failure has set: nobody
// downstream can use it.
bool JobRunner::IsPast(const Lane& lane) const {
  const int64_t end_time = end_time_.load();
  return end_time != data::kMaxTime && !lane.spec().files.empty() &&
         lane.executor().watermark() >= end_time;
}

// Lanes stand behind all whose rows they read.
bool JobRunner::EarlierLanesEnded(size_t index) const {
  const MutexLock lock(mutex_);
  return std::all_of(ended_.begin(), ended_.begin() + static_cast<ptrdiff_t>(index),
                     [](bool ended) { return ended; });
}

// Inputs that have had nothing for their idle time no longer hold back the others.
absl::Status JobRunner::Tick(Lane& lane, LaneTimes& times, int64_t now) {
  const Executor& executor = lane.executor();
  times.empty_since.resize(executor.inputs().size(), -1);
  std::vector<bool> idle(times.empty_since.size());
  bool any = false;
  for (size_t i = 0; i < idle.size(); ++i) {
    const int64_t idle_us = executor.inputs()[i]->idle_us();
    if (idle_us == 0) continue;
    int64_t& since = times.empty_since[i];
    if (!executor.was_empty()[i]) since = -1;
    if (executor.was_empty()[i] && since < 0) since = now;
    idle[i] = since >= 0 && now - since >= idle_us;
    any = any || idle[i];
  }
  return any ? lane.RaiseIdle(idle) : absl::OkStatus();
}

absl::Status JobRunner::Step(Lane& lane, size_t index, LaneTimes& times, bool& idle) {
  const uint64_t seen = log_.version();
  const size_t rows = options_.commit_rows > 0 ? options_.commit_rows : kRowsAtOnce;
  ASSIGN_OR_RETURN(const bool progress, lane.Advance(rows));
  if (lane.at_end()) return lane.Finish();
  const int64_t now = clock_.MonotonicMicroseconds();
  RETURN_IF_ERROR(Tick(lane, times, now));
  const uint64_t rows_read = lane.executor().counters().front().second;
  // A lane that has caught up commits soon, so that rows get through quickly; one that is busy
  // commits less and less often, up to the limit, because each commit is a sync.
  const int64_t since_commit = now - times.last_commit;
  const int64_t wanted = progress ? times.commit_interval
                                  : std::min(kMinCommitIntervalUs, options_.commit_interval_us);
  const bool due =
      since_commit >= wanted || lane.uncommitted_bytes() >= kMaxUncommittedBytes ||
      (options_.commit_rows > 0 && rows_read - times.rows_at_commit >= options_.commit_rows);
  if (due && lane.has_uncommitted()) {
    RETURN_IF_ERROR(lane.Commit());
    times.last_commit = now;
    times.rows_at_commit = rows_read;
    times.commit_interval = std::clamp<int64_t>(
        progress ? times.commit_interval * 2 : times.commit_interval / 2,
        std::min(kMinCommitIntervalUs, options_.commit_interval_us), options_.commit_interval_us);
    if (now - times.last_snapshot >= options_.snapshot_interval_us && !lane.snapshot_under_way()) {
      RETURN_IF_ERROR(lane.StartSnapshot());
      times.last_snapshot = now;
    }
    if (now - times.last_publish >= kProgressIntervalUs) {
      Publish(index);
      times.last_publish = now;
    }
  } else if (!progress) {
    idle = !lane.has_uncommitted();
    if (now - std::max(times.last_commit, times.last_owner_look) >= kOwnerLookUs) {
      RETURN_IF_ERROR(lane.CheckNotReplaced());
      times.last_owner_look = now;
    }
    const int64_t idle_wait =
        end_time_.load() == data::kMaxTime ? kIdleWaitUs : kMinCommitIntervalUs;
    log_.WaitForCommit(seen, idle ? idle_wait : wanted - since_commit);
  }
  return absl::OkStatus();
}

}  // namespace streamml::lane
