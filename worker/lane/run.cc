#include "worker/lane/run.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/status.h"
#include "worker/lane/internal/lane_loop.h"
#include "worker/operators/model.h"

namespace streamml::lane {

namespace {
constexpr int64_t kIdleWaitUs = 200'000;  // also how soon a stop is seen
constexpr int64_t kEndingWaitUs = 10'000;
}  // namespace

std::vector<ModelProgress> Models(const Lane& lane) {
  std::vector<ModelProgress> models;
  const Executor& executor = lane.executor();
  for (size_t i = 0; i < executor.operators().size(); ++i) {
    const auto* model =
        dynamic_cast<const operators::ModelReporter*>(executor.operators()[i].get());
    if (model == nullptr) continue;
    operators::ModelReport report = model->Report();
    models.push_back({executor.stage().nodes[i].owner, report.examples, std::move(report.metrics)});
  }
  return models;
}

namespace {

// Where several wait, the oldest counts. Side inputs, whose rows wait for their time, do not.
std::optional<log::Backlog> BacklogOf(const Executor& executor) {
  log::Backlog total;
  bool is_age_known = true;
  const size_t num_inputs = executor.inputs().size() - executor.stage().sides.size();
  for (size_t i = 0; i < num_inputs; ++i) {
    const std::optional<log::Backlog> backlog = executor.inputs()[i]->backlog();
    if (!backlog.has_value()) return std::nullopt;
    if (backlog->rows == 0) continue;
    is_age_known = is_age_known && backlog->oldest_us > 0;
    total.oldest_us =
        total.rows == 0 ? backlog->oldest_us : std::min(total.oldest_us, backlog->oldest_us);
    total.rows += backlog->rows;
  }
  if (!is_age_known) total.oldest_us = 0;
  return total;
}

}  // namespace

LaneProgress ProgressOf(const Lane& lane) {
  LaneProgress progress;
  progress.counters = lane.executor().counters();
  progress.watermark = lane.executor().watermark();
  progress.journal_sequence = lane.journal_sequence();
  progress.num_commits = lane.num_commits();
  progress.finished = lane.finished();
  progress.backlog = BacklogOf(lane.executor());
  for (const state::DeclaredState* state : lane.executor().states().states()) {
    progress.num_state_entries += state->num_entries();
  }
  progress.snapshot_sequence = lane.snapshot_sequence();
  progress.oldest_replayable = lane.oldest_replayable();
  progress.truncation_problem = std::string(lane.truncation_problem().message());
  if (const state::Uploads* uploads = lane.uploads()) progress.uploads = uploads->upload_status();
  progress.claimed_assignment = lane.claimed_assignment();
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
      ended_(lanes.size()),
      idle_at_(lanes.size()) {
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
  internal::LaneLoop loop(lane, log_, clock_, options_, [this, index] { Publish(index); });
  while (!lane.finished()) {
    if (stop_.load() || failed_.load() || all_idle_.load() || IsPast(lane)) {
      RETURN_IF_ERROR(lane.Stop());
      break;
    }
    const bool ending = end_time_.load() != data::kMaxTime;
    const uint64_t seen = log_.version();
    bool idle = false;
    const absl::Status status = loop.Step(ending ? kEndingWaitUs : kIdleWaitUs, idle);
    if (!status.ok() && lane.input_failed()) return StopBecauseOfInput(index, status);
    RETURN_IF_ERROR(status);
    if (ending && idle) NoteIdle(index, seen);
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

// Lanes may read from each other in a circle: who scores from who trains, and the other way round.
// So one that has nothing to do may get something yet, until all that have not ended found nothing
// to do in the same log.
void JobRunner::NoteIdle(size_t index, uint64_t version) {
  const MutexLock lock(mutex_);
  idle_at_[index] = version;
  for (size_t i = 0; i < ended_.size(); ++i) {
    if (!ended_[i] && idle_at_[i] != version) return;
  }
  all_idle_.store(true);
}

}  // namespace streamml::lane
