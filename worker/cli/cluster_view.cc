#include "worker/cli/cluster_view.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "worker/cli/store_view.h"
#include "worker/cli/text.h"
#include "worker/data/batch.h"

namespace streamml::cli {
namespace {

using fleet::v1::LaneFacts;

bool Runs(const LaneFacts& lane) {
  return lane.phase() == fleet::v1::PHASE_RUNNING || lane.phase() == fleet::v1::PHASE_FINISHED ||
         lane.phase() == fleet::v1::PHASE_RELEASING;
}

// Each lane once: at its owner, else at whoever is furthest.
std::map<uint32_t, const LaneFacts*> LanesOf(const fleet::v1::StatusReply& status) {
  std::map<uint32_t, const LaneFacts*> lanes;
  for (const fleet::v1::WorkerStatus& worker : status.workers()) {
    for (const LaneFacts& lane : worker.observation().lanes()) {
      const LaneFacts*& best = lanes[lane.lane()];
      if (best == nullptr || (Runs(lane) && !Runs(*best)) ||
          (Runs(lane) == Runs(*best) && lane.journal_position() > best->journal_position())) {
        best = &lane;
      }
    }
  }
  return lanes;
}

// What waits, over all lanes; not known is not 0.
struct LagTotals {
  uint64_t rows = 0;
  std::optional<double> seconds;  // of the lane whose oldest record is oldest
  std::string lane;               // its name
  size_t num_unknown = 0;         // lanes
};

struct ClusterTotals {
  uint64_t rows = 0;
  uint64_t late = 0;
  uint64_t dead = 0;
  double rate = 0;
  size_t num_running = 0;
  std::optional<int64_t> watermark = data::kMaxTime;  // of the lane that is furthest behind
  LagTotals lag;
  StoreTotals store;
  std::string truncation_problem;  // of some lane
  std::vector<const fleet::v1::ModelFacts*> models;
  std::vector<const fleet::v1::TrainerFacts*> trainers;
};

void AddLag(const LaneFacts& lane, LagTotals& lag) {
  if (!lane.has_lag_rows()) {
    ++lag.num_unknown;
    return;
  }
  lag.rows += lane.lag_rows();
  if (!lane.has_lag_seconds() || lane.lag_seconds() < lag.seconds.value_or(0)) return;
  lag.seconds = lane.lag_seconds();
  lag.lane = lane.name();
}

void AddStore(const LaneFacts& lane, StoreTotals& store) {
  if (!lane.has_store()) return;
  store.is_there = true;
  if (store.problem.empty()) store.problem = lane.store().problem();
  if (lane.store().num_pending() == 0) return;
  ++store.num_lacking;
  store.seconds = std::max(store.seconds, lane.store().pending_seconds());
}

ClusterTotals TotalsOf(const fleet::v1::StatusReply& status,
                       const std::map<uint32_t, const LaneFacts*>& lanes) {
  ClusterTotals totals;
  for (const auto& [number, lane] : lanes) {
    if (lane->reads_source()) {
      totals.rows += lane->rows_read();
      totals.rate += lane->rows_per_second();
    }
    totals.late += lane->rows_late();
    totals.dead += lane->rows_dead();
    if (Runs(*lane)) ++totals.num_running;
    AddLag(*lane, totals.lag);
    AddStore(*lane, totals.store);
    if (totals.truncation_problem.empty()) totals.truncation_problem = lane->truncation_problem();
    if (!lane->has_watermark_us()) totals.watermark.reset();
    if (totals.watermark.has_value()) {
      totals.watermark = std::min(*totals.watermark, lane->watermark_us());
    }
    for (const fleet::v1::ModelFacts& model : lane->models()) totals.models.push_back(&model);
    if (lane->has_trainer()) totals.trainers.push_back(&lane->trainer());
  }
  if (lanes.size() < status.num_lanes() || lanes.empty()) totals.watermark.reset();
  return totals;
}

std::string Watermark(const std::optional<int64_t>& watermark) {
  return WatermarkText(watermark.value_or(data::kMinTime));
}

std::string Count(size_t number, std::string_view one, std::string_view many) {
  return absl::StrCat(number, " ", number == 1 ? one : many);
}

// "1,234 rows, the oldest 2.5 s (payments[1])"
std::string LagText(const LagTotals& lag, size_t num_lanes) {
  if (lag.num_unknown >= num_lanes) return "-";
  std::string text = absl::StrCat(WithCommas(lag.rows), " rows");
  if (lag.rows > 0 && lag.seconds.has_value()) {
    absl::StrAppend(&text, ", the oldest ", Seconds(*lag.seconds), " (", lag.lane, ")");
  }
  if (lag.num_unknown > 0) {
    absl::StrAppend(&text, ", not known of ", Count(lag.num_unknown, "lane", "lanes"));
  }
  return text;
}

std::string Metrics(const fleet::v1::ModelFacts& model, const char* separator) {
  return absl::StrJoin(
      model.metrics(), separator, [](std::string* out, const fleet::v1::Metric& metric) {
        absl::StrAppend(
            out, metric.name(), " ",
            MetricText(metric.has_value() ? std::optional(metric.value()) : std::nullopt));
      });
}

// "0.3 s behind, learns at most about 52,000 rows/s"
std::string TrainerText(const fleet::v1::TrainerFacts& trainer) {
  std::string text = trainer.has_lag_seconds()
                         ? absl::StrCat(trainer.behind() ? "TrainerBehind: " : "",
                                        Seconds(trainer.lag_seconds()), " behind")
                         : "lag not known";
  if (trainer.has_ceiling_rows_per_second()) {
    const auto ceiling = static_cast<uint64_t>(std::llround(trainer.ceiling_rows_per_second()));
    absl::StrAppend(&text, ", learns at most about ", WithCommas(ceiling), " rows/s");
  }
  return text;
}

std::string PhaseText(fleet::v1::Phase phase) {
  const std::string name = fleet::v1::Phase_Name(phase);  // PHASE_RUNNING
  return name.empty() ? "?" : absl::AsciiStrToLower(name.substr(6));
}

// "worker-0  pid 1234   up    3 lanes, 2 standby  1,200 rows/s  busiest lane 40 %  http
// 127.0.0.1:40001"
std::string WorkerLine(const fleet::v1::WorkerStatus& worker) {
  size_t owned = 0;
  size_t followed = 0;
  size_t troubled = 0;
  double rate = 0;
  double busy = 0;
  for (const LaneFacts& lane : worker.observation().lanes()) {
    if (Runs(lane) || lane.phase() == fleet::v1::PHASE_TAKING) ++owned;
    if (lane.phase() == fleet::v1::PHASE_FOLLOWING) ++followed;
    if (lane.has_problem()) ++troubled;
    rate += lane.rows_per_second();
    if (Runs(lane)) busy = std::max(busy, lane.busy());
  }
  std::string line =
      absl::StrFormat("  %-10s %-11s %-9s", worker.name(),
                      worker.pid() == 0 ? "-" : absl::StrCat("pid ", worker.pid()), worker.state());
  absl::StrAppend(&line, Count(owned, "lane", "lanes"));
  if (followed > 0) absl::StrAppend(&line, ", follows ", followed);
  if (troubled > 0) absl::StrAppend(&line, ", ", troubled, " in trouble");
  absl::StrAppend(&line, "  ", WithCommas(static_cast<uint64_t>(std::llround(rate))),
                  " rows/s  busiest lane ", std::llround(busy * 100), " %");
  if (worker.restarts() > 0) {
    absl::StrAppend(&line, "  ", Count(worker.restarts(), "restart", "restarts"));
  }
  const std::string& http = worker.observation().worker().http_address();
  if (!http.empty()) absl::StrAppend(&line, "  http ", http);
  return line;
}

std::string State(const fleet::v1::StatusReply& status, const ClusterTotals& totals) {
  if (status.settled()) return "settled";
  if (status.num_lanes() == 0) return "starting";
  return absl::StrCat("lanes are moving, ", totals.num_running, " of ", status.num_lanes(), " run");
}

}  // namespace

std::vector<std::string> ClusterBlock(const fleet::v1::StatusReply& status, double seconds) {
  const auto lanes = LanesOf(status);
  const ClusterTotals totals = TotalsOf(status, lanes);
  std::vector<std::string> lines;
  lines.push_back(absl::StrCat(status.job(), seconds < 0 ? "" : "  running ",
                               seconds < 0 ? "" : Seconds(seconds), "  ",
                               Count(status.wanted_workers(), "worker", "workers"), ", epoch ",
                               status.epoch(), ", ", State(status, totals)));
  lines.push_back(absl::StrCat("  rows       ", WithCommas(totals.rows), "  (",
                               WithCommas(static_cast<uint64_t>(std::llround(totals.rate))),
                               " rows/s)  late ", WithCommas(totals.late), "  dead ",
                               WithCommas(totals.dead)));
  lines.push_back(absl::StrCat("  watermark  ", Watermark(totals.watermark)));
  lines.push_back(absl::StrCat("  lag        ", LagText(totals.lag, lanes.size())));
  if (totals.store.is_there)
    lines.push_back(absl::StrCat("  store      ", StoreText(totals.store)));
  if (!totals.truncation_problem.empty()) {
    lines.push_back(absl::StrCat("  truncation fails: ", totals.truncation_problem));
  }
  for (const fleet::v1::ModelFacts* model : totals.models) {
    lines.push_back(absl::StrFormat("  %-9s  version %s  %s", model->name(),
                                    WithCommas(model->version()), Metrics(*model, "  ")));
  }
  for (const fleet::v1::TrainerFacts* trainer : totals.trainers) {
    lines.push_back(
        absl::StrFormat("  trainer    of %s: %s", trainer->model(), TrainerText(*trainer)));
  }
  for (const fleet::v1::WorkerStatus& worker : status.workers()) {
    lines.push_back(WorkerLine(worker));
    for (const LaneFacts& lane : worker.observation().lanes()) {
      if (!lane.has_problem()) continue;
      lines.push_back(absl::StrCat("    lane ", lane.name(), ": ", lane.problem().message()));
    }
  }
  return lines;
}

std::vector<std::string> ClusterLanes(const fleet::v1::StatusReply& status) {
  constexpr const char* kRow = "  %-20s %-10s %-10s %10s %10s %10s %10s %8s %10s %5s %10s";
  std::vector<std::string> lines;
  lines.push_back(absl::StrFormat(kRow, "lane", "worker", "phase", "oldest", "position", "snapshot",
                                  "lag rows", "lag s", "rows/s", "busy", "state"));
  for (const fleet::v1::WorkerStatus& worker : status.workers()) {
    for (const LaneFacts& lane : worker.observation().lanes()) {
      const auto number = [](bool known, uint64_t value) {
        return known ? absl::StrCat(value) : std::string("-");
      };
      lines.push_back(absl::StrFormat(
          kRow, lane.name(), worker.name(), PhaseText(lane.phase()),
          number(lane.oldest_replayable() > 0, lane.oldest_replayable()),
          number(true, lane.journal_position()),
          number(lane.has_snapshot_position(), lane.snapshot_position()),
          number(lane.has_lag_rows(), lane.lag_rows()),
          lane.has_lag_seconds() ? absl::StrFormat("%.1f", lane.lag_seconds()) : "-",
          number(true, static_cast<uint64_t>(std::llround(lane.rows_per_second()))),
          absl::StrFormat("%.0f%%", lane.busy() * 100),
          number(lane.has_state_entries(), lane.state_entries())));
    }
  }
  return lines;
}

std::string ClusterLine(const fleet::v1::StatusReply& status) {
  const auto lanes = LanesOf(status);
  const ClusterTotals totals = TotalsOf(status, lanes);
  size_t num_up = 0;
  for (const fleet::v1::WorkerStatus& worker : status.workers()) {
    if (worker.state() == "up") ++num_up;
  }
  std::string line = absl::StrCat(
      status.job(), ": ", totals.rows, " rows, ", static_cast<uint64_t>(std::llround(totals.rate)),
      " rows/s, watermark ", Watermark(totals.watermark), ", ", totals.late, " late, ", totals.dead,
      " dead, lag ", LagText(totals.lag, lanes.size()), "; ", num_up, " of ",
      Count(status.wanted_workers(), "worker", "workers"), " up, ", State(status, totals));
  for (const fleet::v1::ModelFacts* model : totals.models) {
    absl::StrAppend(&line, "; ", model->name(), " version ", model->version(), ", ",
                    Metrics(*model, ", "));
  }
  for (const fleet::v1::TrainerFacts* trainer : totals.trainers) {
    if (!trainer->behind()) continue;
    absl::StrAppend(&line, "; ", trainer->model(), " ", TrainerText(*trainer));
  }
  return line;
}

}  // namespace streamml::cli
