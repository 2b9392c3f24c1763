#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "base/status.h"
#include "worker/control/endpoints.h"

namespace streamml::control {
namespace {

using Labels = std::vector<prometheus::ClientMetric::Label>;

std::string NameOf(fleet::v1::Phase phase) {
  const std::string name = fleet::v1::Phase_Name(phase);
  return name.empty() ? "unspecified" : absl::AsciiStrToLower(name.substr(6));  // PHASE_
}

// Families in order; those without any value are left out, so that not known is not 0.
class Page {
 public:
  size_t Add(const std::string& name, const std::string& help, prometheus::MetricType type) {
    families_.push_back({name, help, type, {}});
    return families_.size() - 1;
  }
  void Put(size_t family, Labels labels, double value) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    if (families_[family].type == prometheus::MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    families_[family].metric.push_back(std::move(metric));
  }
  std::string Text() {
    std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

struct LaneMetric {
  const char* name;
  const char* help;
  prometheus::MetricType type;
  // Nullopt: not known.
  std::optional<double> (*value)(const fleet::v1::LaneFacts& lane);
};

using fleet::v1::LaneFacts;
using Value = std::optional<double>;
constexpr auto kCounter = prometheus::MetricType::Counter;
constexpr auto kGauge = prometheus::MetricType::Gauge;

constexpr LaneMetric kLaneMetrics[] = {
    {"streamml_lane_read_rows_total", "Rows the lane has read, since the job began.", kCounter,
     [](const LaneFacts& lane) -> Value { return lane.rows_read(); }},
    {"streamml_lane_late_rows_total", "Rows older than the watermark of their source partition.",
     kCounter, [](const LaneFacts& lane) -> Value { return lane.rows_late(); }},
    {"streamml_lane_dead_rows_total",
     "Records that are no rows, and rows on which an operator failed.", kCounter,
     [](const LaneFacts& lane) -> Value { return lane.rows_dead(); }},
    {"streamml_lane_commits_total", "Commits of this owner of the lane.", kCounter,
     [](const LaneFacts& lane) -> Value { return lane.commits(); }},
    {"streamml_lane_journal_position", "Sequence number of the last journal record.", kGauge,
     [](const LaneFacts& lane) -> Value { return lane.journal_position(); }},
    {"streamml_lane_epoch", "Epoch of the assignment that the lane acts on.", kGauge,
     [](const LaneFacts& lane) -> Value { return lane.epoch(); }},
    {"streamml_lane_busy_ratio", "Share of the last seconds in which the lane was not waiting.",
     kGauge, [](const LaneFacts& lane) -> Value { return lane.busy(); }},
    {"streamml_lane_caught_up", "1: follows its owner within a commit.", kGauge,
     [](const LaneFacts& lane) -> Value { return lane.caught_up() ? 1 : 0; }},
    {"streamml_lane_claimed_epoch", "The highest epoch that the lane was claimed with.", kGauge,
     [](const LaneFacts& lane) -> Value { return lane.claimed_epoch(); }},
    {"streamml_lane_lag_rows", "Records of its inputs that are there and not read yet.", kGauge,
     [](const LaneFacts& lane) -> Value {
       return lane.has_lag_rows() ? Value(lane.lag_rows()) : std::nullopt;
     }},
    {"streamml_lane_lag_seconds", "Since the oldest record that is not read yet was written.",
     kGauge,
     [](const LaneFacts& lane) -> Value {
       return lane.has_lag_seconds() ? Value(lane.lag_seconds()) : std::nullopt;
     }},
    {"streamml_lane_watermark_seconds",
     "Event time, seconds since 1970, that no later row is older than.", kGauge,
     [](const LaneFacts& lane) -> Value {
       if (!lane.has_watermark_us()) return std::nullopt;
       return static_cast<double>(lane.watermark_us()) / 1e6;
     }},
    {"streamml_lane_snapshot_position", "Journal position of the newest durable snapshot.", kGauge,
     [](const LaneFacts& lane) -> Value {
       return lane.has_snapshot_position() ? Value(lane.snapshot_position()) : std::nullopt;
     }},
    {"streamml_lane_oldest_replayable_position", "Oldest journal position that can be replayed.",
     kGauge,
     [](const LaneFacts& lane) -> Value {
       return lane.oldest_replayable() > 0 ? Value(lane.oldest_replayable()) : std::nullopt;
     }},
    {"streamml_lane_truncation_failing",
     "1: the last attempt to delete records that nobody needs any more failed.", kGauge,
     [](const LaneFacts& lane) -> Value { return lane.truncation_problem().empty() ? 0 : 1; }},
    {"streamml_lane_state_entries", "Entries of all its states.", kGauge,
     [](const LaneFacts& lane) -> Value {
       return lane.has_state_entries() ? Value(lane.state_entries()) : std::nullopt;
     }},
    {"streamml_lane_store_pending_snapshots", "Snapshots that the store has not got yet.", kGauge,
     [](const LaneFacts& lane) -> Value {
       return lane.has_store() ? Value(lane.store().num_pending()) : std::nullopt;
     }},
    {"streamml_lane_store_pending_seconds", "Since the first of them was taken.", kGauge,
     [](const LaneFacts& lane) -> Value {
       return lane.has_store() ? Value(lane.store().pending_seconds()) : std::nullopt;
     }},
    {"streamml_lane_store_failing", "1: the last attempt to give the store a snapshot failed.",
     kGauge,
     [](const LaneFacts& lane) -> Value {
       if (!lane.has_store()) return std::nullopt;
       return lane.store().problem().empty() ? 0 : 1;
     }},
};

void AddWorker(const fleet::v1::Observation& seen, const Labels& job, Page& page) {
  const fleet::v1::WorkerInfo& info = seen.worker();
  page.Put(
      page.Add("streamml_worker_info", "What this worker is; always 1.", kGauge),
      {{"worker", info.name()}, {"version", info.version()}, {"fingerprint", info.fingerprint()}},
      1);
  page.Put(
      page.Add("streamml_worker_start_time_seconds", "When its process began, since 1970.", kGauge),
      {}, static_cast<double>(info.started_us()) / 1e6);
  page.Put(page.Add("streamml_worker_ready", "1: as /readyz says.", kGauge), {},
           ReadinessOf(seen).ready ? 1 : 0);
  if (seen.epoch() == 0) return;
  page.Put(page.Add("streamml_worker_epoch", "Epoch of the assignment it acts on.", kGauge), job,
           static_cast<double>(seen.epoch()));
}

void AddPhases(const fleet::v1::Observation& seen, const Labels& job, Page& page) {
  const size_t family = page.Add("streamml_lane_phase",
                                 "1 for the phase that the lane is in, 0 for the others.", kGauge);
  for (const LaneFacts& lane : seen.lanes()) {
    for (int phase = fleet::v1::PHASE_RESTORING; phase <= fleet::v1::Phase_MAX; ++phase) {
      Labels labels = job;
      labels.push_back({"lane", lane.name()});
      labels.push_back({"phase", NameOf(static_cast<fleet::v1::Phase>(phase))});
      page.Put(family, std::move(labels), lane.phase() == phase ? 1 : 0);
    }
  }
}

void AddLanes(const fleet::v1::Observation& seen, const Labels& job, Page& page) {
  for (const LaneMetric& metric : kLaneMetrics) {
    const size_t family = page.Add(metric.name, metric.help, metric.type);
    for (const LaneFacts& lane : seen.lanes()) {
      const std::optional<double> value = metric.value(lane);
      if (!value.has_value()) continue;
      Labels labels = job;
      labels.push_back({"lane", lane.name()});
      page.Put(family, std::move(labels), *value);
    }
  }
}

void AddTrainers(const fleet::v1::Observation& seen, const Labels& job, Page& page) {
  const size_t lag =
      page.Add("streamml_trainer_lag_seconds",
               "Since the oldest scored row that a trainer has not read was written.", kGauge);
  const size_t behind =
      page.Add("streamml_trainer_behind", "1: the trainer's lag is above ten seconds.", kGauge);
  const size_t ceiling =
      page.Add("streamml_trainer_ceiling_rows_per_second",
               "Rows per second at which the trainer would be busy all the time.", kGauge);
  for (const LaneFacts& lane : seen.lanes()) {
    if (!lane.has_trainer()) continue;
    const fleet::v1::TrainerFacts& trainer = lane.trainer();
    Labels labels = job;
    labels.push_back({"model", trainer.model()});
    if (trainer.has_lag_seconds()) page.Put(lag, labels, trainer.lag_seconds());
    if (trainer.has_lag_seconds()) page.Put(behind, labels, trainer.behind() ? 1 : 0);
    if (trainer.has_ceiling_rows_per_second())
      page.Put(ceiling, labels, trainer.ceiling_rows_per_second());
  }
}

void AddModels(const fleet::v1::Observation& seen, const Labels& job, Page& page) {
  const size_t examples = page.Add("streamml_model_examples_total",
                                   "Examples that the model has learned from.", kCounter);
  const size_t metrics =
      page.Add("streamml_model_metric",
               "A metric of the model over all scored rows whose label came.", kGauge);
  for (const LaneFacts& lane : seen.lanes()) {
    for (const fleet::v1::ModelFacts& model : lane.models()) {
      Labels labels = job;
      labels.push_back({"model", model.name()});
      labels.push_back({"lane", lane.name()});
      page.Put(examples, labels, static_cast<double>(model.version()));
      for (const fleet::v1::Metric& metric : model.metrics()) {
        if (!metric.has_value()) continue;
        Labels named = labels;
        named.push_back({"metric", metric.name()});
        page.Put(metrics, std::move(named), metric.value());
      }
    }
  }
}

}  // namespace

Readiness ReadinessOf(const fleet::v1::Observation& observation) {
  Readiness readiness;
  if (observation.state() == fleet::v1::WORKER_STATE_DRAINING) readiness.text += "draining\n";
  if (observation.state() == fleet::v1::WORKER_STATE_DRAINED) readiness.text += "drained\n";
  for (const LaneFacts& lane : observation.lanes()) {
    const bool fine =
        lane.phase() == fleet::v1::PHASE_RUNNING || lane.phase() == fleet::v1::PHASE_FINISHED ||
        lane.phase() == fleet::v1::PHASE_RELEASING || lane.phase() == fleet::v1::PHASE_RELEASED ||
        (lane.phase() == fleet::v1::PHASE_FOLLOWING && lane.caught_up());
    if (fine) continue;
    absl::StrAppend(&readiness.text, "lane ", lane.name(), ": ", NameOf(lane.phase()));
    if (lane.has_problem()) absl::StrAppend(&readiness.text, ": ", lane.problem().message());
    readiness.text += "\n";
  }
  readiness.ready = readiness.text.empty();
  if (readiness.ready) readiness.text = "ok\n";
  return readiness;
}

std::string MetricsText(const fleet::v1::Observation& observation) {
  Labels job;
  if (observation.has_job()) job.push_back({"job", observation.job().identity()});
  Page page;
  AddWorker(observation, job, page);
  AddPhases(observation, job, page);
  AddLanes(observation, job, page);
  AddModels(observation, job, page);
  AddTrainers(observation, job, page);
  return page.Text();
}

}  // namespace streamml::control
