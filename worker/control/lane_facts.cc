#include "worker/control/lane_facts.h"

#include <algorithm>
#include <optional>
#include <string>

namespace streamml::control {
namespace {

constexpr int64_t kWindowUs = 3'000'000;
constexpr int64_t kStepUs = 200'000;  // closer looks change nothing
constexpr int64_t kStaleUs = 10'000'000;
constexpr double kTrainerBehindSeconds = 10;
constexpr double kTellingBusy = 0.02;  // below it a rate says little of what could be

fleet::v1::Phase ToProto(lane::Phase phase) {
  switch (phase) {
    case lane::Phase::kRestoring:
      return fleet::v1::PHASE_RESTORING;
    case lane::Phase::kFollowing:
      return fleet::v1::PHASE_FOLLOWING;
    case lane::Phase::kTaking:
      return fleet::v1::PHASE_TAKING;
    case lane::Phase::kRunning:
      return fleet::v1::PHASE_RUNNING;
    case lane::Phase::kReleased:
      return fleet::v1::PHASE_RELEASED;
    case lane::Phase::kFinished:
      return fleet::v1::PHASE_FINISHED;
    case lane::Phase::kWaiting:
      return fleet::v1::PHASE_WAITING;
    case lane::Phase::kFailed:
      return fleet::v1::PHASE_FAILED;
  }
  return fleet::v1::PHASE_UNSPECIFIED;
}

void AddCounters(const std::vector<lane::Counter>& counters, fleet::v1::LaneFacts& out) {
  uint64_t dead = 0;
  for (const auto& [name, value] : counters) {
    if (name == "read") out.set_rows_read(value);
    if (name == "late") out.set_rows_late(value);
    if (name == "dead" || name.ends_with(".failed") || name.ends_with(".too_large")) dead += value;
  }
  out.set_rows_dead(dead);
}

void AddModels(const std::vector<lane::ModelProgress>& models, fleet::v1::LaneFacts& out) {
  for (const lane::ModelProgress& model : models) {
    fleet::v1::ModelFacts& facts = *out.add_models();
    facts.set_name(model.name);
    facts.set_version(model.version);
    for (const learn::MetricValue& value : model.metrics) {
      fleet::v1::Metric& metric = *facts.add_metrics();
      metric.set_name(value.name);
      if (value.value.has_value()) metric.set_value(*value.value);
    }
  }
}

// A lane that waits for brokers looks at nothing; what it saw before says little of now.
void AddLag(const lane::LaneFacts& facts, Clock& clock, fleet::v1::LaneFacts& out) {
  const std::optional<log::Backlog>& backlog = facts.progress.backlog;
  const bool is_fresh = clock.MonotonicMicroseconds() - facts.looked_us < kStaleUs;
  if (!backlog.has_value() || !is_fresh || facts.looked_us == 0) return;
  out.set_lag_rows(backlog->rows);
  if (backlog->rows == 0) {
    out.set_lag_seconds(0);
  } else if (backlog->oldest_us > 0) {
    // The clock of who wrote the record may be ahead of ours.
    const int64_t age_us = std::max<int64_t>(clock.UtcMicroseconds() - backlog->oldest_us, 0);
    out.set_lag_seconds(static_cast<double>(age_us) / 1e6);
  }
}

void AddStore(const std::optional<state::UploadStatus>& uploads, Clock& clock,
              fleet::v1::LaneFacts& out) {
  if (!uploads.has_value()) return;
  fleet::v1::StoreFacts& store = *out.mutable_store();
  store.set_num_pending(uploads->num_pending);
  if (uploads->num_pending > 0) {
    store.set_pending_seconds(
        static_cast<double>(clock.MonotonicMicroseconds() - uploads->since_us) / 1e6);
  }
  store.set_problem(uploads->problem);
  if (uploads->newest.has_value()) store.set_position(uploads->newest->sequence);
}

void AddTrainer(const std::string& model, fleet::v1::LaneFacts& out) {
  if (model.empty()) return;
  fleet::v1::TrainerFacts& trainer = *out.mutable_trainer();
  trainer.set_model(model);
  if (out.has_lag_seconds()) trainer.set_lag_seconds(out.lag_seconds());
  trainer.set_behind(out.has_lag_seconds() && out.lag_seconds() > kTrainerBehindSeconds);
  if (out.busy() < kTellingBusy || out.rows_per_second() <= 0) return;
  trainer.set_ceiling_rows_per_second(out.rows_per_second() / out.busy());
}

}  // namespace

double RowRates::Note(uint32_t lane, uint64_t rows, int64_t now_us) {
  std::deque<Sample>& samples = samples_[lane];
  if (!samples.empty() && rows < samples.back().rows) samples.clear();
  if (samples.empty() || now_us - samples.back().time_us >= kStepUs) {
    samples.push_back({now_us, rows});
  }
  while (samples.size() > 2 && now_us - samples[1].time_us >= kWindowUs) samples.pop_front();
  const int64_t elapsed = now_us - samples.front().time_us;
  if (elapsed < kStepUs) return 0;
  return static_cast<double>(rows - samples.front().rows) * 1e6 / static_cast<double>(elapsed);
}

void RowRates::ForgetBefore(int64_t since_us) {
  std::erase_if(samples_, [since_us](const auto& entry) {
    return entry.second.empty() || entry.second.back().time_us < since_us;
  });
}

fleet::v1::LaneFacts ToProto(const lane::LaneFacts& facts, double rows_per_second,
                             const fleet::v1::PlanReply& plan, Clock& clock) {
  fleet::v1::LaneFacts out;
  out.set_lane(facts.lane);
  std::string trains;
  if (facts.lane < static_cast<uint32_t>(plan.lanes_size())) {
    const fleet::v1::Lane& lane = plan.lanes(static_cast<int>(facts.lane));
    out.set_name(lane.name());
    const fleet::v1::Stage& stage = plan.stages(static_cast<int>(lane.stage()));
    out.set_reads_source(stage.reads_source());
    trains = stage.trains();
  }
  out.set_phase(ToProto(facts.phase));
  out.set_epoch(facts.epoch);
  out.set_caught_up(facts.caught_up);
  out.set_journal_position(facts.progress.journal_sequence);
  const bool runs = facts.phase == lane::Phase::kRunning;
  out.set_rows_per_second(runs ? rows_per_second : 0);
  out.set_busy(std::clamp(facts.busy, 0.0, 1.0));
  out.set_stalled_seconds(static_cast<double>(facts.stalled_us) / 1e6);
  if (facts.progress.watermark != data::kMinTime) out.set_watermark_us(facts.progress.watermark);
  AddLag(facts, clock, out);
  AddStore(facts.progress.uploads, clock, out);
  out.set_claimed_epoch(facts.progress.claimed_assignment);
  out.set_contested_epoch(facts.contested_epoch);
  if (facts.looked_us > 0) out.set_state_entries(facts.progress.num_state_entries);
  const uint64_t snapshot = facts.progress.snapshot_sequence;
  if (snapshot > 0) out.set_snapshot_position(snapshot);
  if (facts.looked_us > 0) {
    out.set_oldest_replayable(facts.progress.oldest_replayable);
    out.set_truncation_problem(facts.progress.truncation_problem);
  }
  AddCounters(facts.progress.counters, out);
  out.set_commits(facts.progress.num_commits);
  AddModels(facts.progress.models, out);
  if (runs) AddTrainer(trains, out);
  if (!facts.problem.ok()) {
    out.mutable_problem()->set_code(static_cast<uint32_t>(facts.problem.code()));
    out.mutable_problem()->set_message(std::string(facts.problem.message()));
  }
  return out;
}

}  // namespace streamml::control
