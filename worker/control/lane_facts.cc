#include "worker/control/lane_facts.h"

#include <algorithm>
#include <string>

namespace streamml::control {
namespace {

constexpr int64_t kWindowUs = 3'000'000;
constexpr int64_t kStepUs = 200'000;  // closer looks change nothing

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
    if (name == "dead" || name.ends_with(".failed")) dead += value;
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
                             const fleet::v1::PlanReply& plan) {
  fleet::v1::LaneFacts out;
  out.set_lane(facts.lane);
  if (facts.lane < static_cast<uint32_t>(plan.lanes_size())) {
    const fleet::v1::Lane& lane = plan.lanes(static_cast<int>(facts.lane));
    out.set_name(lane.name());
    out.set_reads_source(plan.stages(static_cast<int>(lane.stage())).reads_source());
  }
  out.set_phase(ToProto(facts.phase));
  out.set_epoch(facts.epoch);
  out.set_caught_up(facts.caught_up);
  out.set_journal_position(facts.progress.journal_sequence);
  const bool runs = facts.phase == lane::Phase::kRunning;
  out.set_rows_per_second(runs ? rows_per_second : 0);
  out.set_busy(std::clamp(facts.busy, 0.0, 1.0));
  if (facts.progress.watermark != data::kMinTime) out.set_watermark_us(facts.progress.watermark);
  AddCounters(facts.progress.counters, out);
  out.set_commits(facts.progress.num_commits);
  AddModels(facts.progress.models, out);
  if (!facts.problem.ok()) {
    out.mutable_problem()->set_code(static_cast<uint32_t>(facts.problem.code()));
    out.mutable_problem()->set_message(std::string(facts.problem.message()));
  }
  return out;
}

}  // namespace streamml::control
