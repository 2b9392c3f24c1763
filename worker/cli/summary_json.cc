#include <nlohmann/json.hpp>

#include "worker/cli/summary.h"
#include "worker/connectors/utf8.h"
#include "worker/data/time_text.h"

namespace streamml::cli {
namespace {

using Json = nlohmann::ordered_json;

Json TimeOrEnd(int64_t time) {
  if (time == data::kMinTime) return nullptr;
  if (time == data::kMaxTime) return "end";
  std::string text;
  data::AppendTimestampIso(time, text);
  return text;
}

Json ModelJson(const lane::ModelProgress& model) {
  Json metrics = Json::object();
  for (const learn::MetricValue& metric : model.metrics) {
    metrics[metric.name] = metric.value.has_value() ? Json(*metric.value) : Json(nullptr);
  }
  return {{"name", model.name},
          {"version", model.version},
          {"examples", model.version},
          {"metrics", metrics}};
}

Json StageJson(const StageAccount& stage) {
  Json paths = Json::array();
  for (const PathAccount& path : stage.paths) {
    paths.push_back({{"relation", path.relation},
                     {"emitted", path.emitted},
                     {"filtered", path.filtered},
                     {"dead", path.dead}});
  }
  return {{"name", stage.name}, {"read", stage.read},          {"late", stage.late},
          {"held", stage.held}, {"tooLarge", stage.too_large}, {"paths", paths}};
}

Json LaneJson(const LaneSummary& lane) {
  return {{"name", lane.name},
          {"journalPosition", lane.journal_position},
          {"oldestReplayable", lane.oldest_replayable},
          {"commitsThisRun", lane.commits},
          {"outputDigest", lane.output_digest},
          {"stateDigest", lane.state_digest},
          {"watermark", TimeOrEnd(lane.watermark)},
          {"finished", lane.finished}};
}

Json SinkJson(const SinkSummary& sink) {
  Json files = Json::array();
  for (const SinkFile& file : sink.files)
    files.push_back({{"path", connectors::ShowAsUtf8(file.path)}, {"bytes", file.bytes}});
  return {{"name", sink.name}, {"files", files}};
}

template <typename Entry>
Json List(const std::vector<Entry>& entries, Json (*to_json)(const Entry&)) {
  Json list = Json::array();
  for (const Entry& entry : entries) list.push_back(to_json(entry));
  return list;
}

}  // namespace

std::string ToJson(const Summary& summary) {
  Json json;
  json["job"] = summary.job;
  json["finished"] = summary.finished;
  json["rows"] = summary.rows;
  json["late"] = summary.late;
  json["dead"] = summary.dead;
  json["seconds"] = summary.seconds;
  json["rowsThisRun"] = summary.rows_this_run;
  json["examplesThisRun"] = summary.examples_this_run;
  json["rowsPerSecond"] = summary.seconds > 0 && summary.did_work
                              ? Json(static_cast<double>(summary.rows_this_run) / summary.seconds)
                              : Json(nullptr);
  json["warnings"] = summary.warnings;
  json["stages"] = List(summary.account.stages, StageJson);
  json["accounting"] = {{"addsUp", summary.account.problems.empty()},
                        {"problems", summary.account.problems}};
  json["models"] = List(summary.models, ModelJson);
  json["lanes"] = List(summary.lanes, LaneJson);
  json["sinks"] = List(summary.sinks, SinkJson);
  // Should anything else not be UTF-8, it is replaced instead of thrown.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace streamml::cli
