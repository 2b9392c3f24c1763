#include "worker/cli/summary.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/status.h"
#include "worker/cli/dead_warnings.h"
#include "worker/cli/text.h"

namespace streamml::cli {
namespace {

// A sink's folder may get part files of several stages (dead letters of a view).
SinkSummary& FindOrAdd(const std::string& name, std::vector<SinkSummary>& sinks) {
  for (SinkSummary& sink : sinks) {
    if (sink.name == name) return sink;
  }
  sinks.push_back({name, {}});
  return sinks.back();
}

absl::StatusOr<std::vector<SinkSummary>> FindSinkFiles(const Job& job, Disk& disk) {
  std::vector<SinkSummary> sinks;
  for (const plan::LanePlan& lane : job.plan.lanes) {
    for (const lane::SinkOutput& sink : job.plan.stages[lane.stage].spec->sinks) {
      SinkSummary& summary = FindOrAdd(sink.name, sinks);
      const std::string path = lane::PartPath(job.data_dir, sink, lane.part);
      const auto file = disk.OpenForRead(path);
      if (absl::IsNotFound(file.status())) continue;
      if (!file.ok()) return file.status();
      ASSIGN_OR_RETURN(const uint64_t bytes, (*file)->Size());
      summary.files.push_back({path, bytes});
    }
  }
  return sinks;
}

LaneSummary SummarizeLane(const lane::Lane& lane) {
  LaneSummary summary;
  summary.name = lane.spec().name;
  summary.journal_position = lane.journal_sequence();
  summary.oldest_replayable = lane.oldest_replayable();
  summary.output_digest = lane.output_digest().ToHex();
  summary.state_digest = lane.state_digest().ToHex();
  summary.watermark = lane.executor().watermark();
  summary.commits = lane.num_commits();
  summary.finished = lane.finished();
  return summary;
}

void AppendModels(const Summary& summary, std::string& text) {
  for (const lane::ModelProgress& model : summary.models) {
    absl::StrAppend(&text, "  model ", model.name, ": version ", WithCommas(model.version),
                    " (examples learned)\n");
    for (const learn::MetricValue& metric : model.metrics) {
      absl::StrAppendFormat(&text, "    %-14s %s\n", metric.name, MetricText(metric.value));
    }
  }
}

void AppendAccount(const Summary& summary, std::string& text) {
  text += "  rows read = emitted + filtered + late + dead\n";
  for (const StageAccount& stage : summary.account.stages) {
    for (const PathAccount& path : stage.paths) {
      absl::StrAppendFormat(
          &text, "    %-24s %s = %s + %s + %s + %s",
          stage.name == path.relation ? stage.name : absl::StrCat(stage.name, " > ", path.relation),
          WithCommas(stage.read), WithCommas(path.emitted), WithCommas(path.filtered),
          WithCommas(stage.late), WithCommas(path.dead));
      if (stage.held > 0)
        absl::StrAppend(&text, " + ", WithCommas(stage.held), " held until the next run");
      text += "\n";
    }
    if (stage.too_large > 0) {
      absl::StrAppend(&text, "    ", WithCommas(stage.too_large), " of the rows emitted by ",
                      stage.name, " are larger than their sink takes (maxRecordBytes) and went to ",
                      "<sink>.dead\n");
    }
  }
  for (const std::string& problem : summary.account.problems) {
    absl::StrAppend(&text, "    DOES NOT ADD UP: ", problem, "\n");
  }
}

void AppendSinks(const Summary& summary, std::string& text) {
  for (const SinkSummary& sink : summary.sinks) {
    uint64_t bytes = 0;
    for (const SinkFile& file : sink.files) bytes += file.bytes;
    if (sink.files.empty() || bytes == 0) continue;
    absl::StrAppend(&text, "  ", summary.data_dir, "/", sink.name, "/  ", sink.files.size(),
                    sink.files.size() == 1 ? " part file, " : " part files, ", Bytes(bytes), "\n");
  }
}

}  // namespace

Totals TotalsOf(const plan::JobPlan& plan, const std::vector<lane::LaneProgress>& lanes) {
  Totals totals;
  std::vector<StageCounts> stages(plan.stages.size());
  for (size_t s = 0; s < stages.size(); ++s)
    stages[s].nodes.resize(plan.stages[s].spec->nodes.size());
  for (size_t i = 0; i < lanes.size(); ++i) {
    const plan::StagePlan& stage = plan.stages[plan.lanes[i].stage];
    const StageCounts counts = CountsOf(lanes[i].counters, stage.spec->nodes.size());
    Add(counts, stages[plan.lanes[i].stage]);
    for (const lane::ModelProgress& model : lanes[i].models) totals.examples += model.version;
    if (stage.source >= 0) totals.rows += counts.read;
    totals.late += counts.late;
    totals.dead += counts.dead;
    for (const NodeCounts& node : counts.nodes) totals.dead += node.failed;
    totals.dead += counts.too_large;
    totals.watermark = std::min(totals.watermark, lanes[i].watermark);
  }
  totals.waiting = WaitingRows(plan, stages);
  return totals;
}

absl::StatusOr<Summary> Summarize(const Job& job,
                                  const std::vector<std::unique_ptr<lane::Lane>>& lanes, Disk& disk,
                                  const Totals& before, double seconds) {
  Summary summary;
  summary.job = job.name;
  summary.data_dir = job.data_dir;
  summary.seconds = seconds;
  summary.finished = true;
  std::vector<StageCounts> counts(job.plan.stages.size());
  for (size_t s = 0; s < counts.size(); ++s)
    counts[s].nodes.resize(job.plan.stages[s].spec->nodes.size());
  std::vector<lane::LaneProgress> progress;
  for (const std::unique_ptr<lane::Lane>& lane : lanes) {
    const uint32_t stage = job.plan.lanes[lane->spec().index].stage;
    StageCounts own = CountsOf(lane->executor().counters(), counts[stage].nodes.size());
    own.held = lane->executor().num_held_rows();
    Add(own, counts[stage]);
    summary.lanes.push_back(SummarizeLane(*lane));
    summary.finished = summary.finished && lane->finished();
    progress.push_back(lane::ProgressOf(*lane));
    for (lane::ModelProgress& model : progress.back().models) summary.models.push_back(model);
  }
  const Totals totals = TotalsOf(job.plan, progress);
  summary.rows = totals.rows;
  summary.late = totals.late;
  summary.dead = totals.dead;
  summary.rows_this_run = totals.rows - before.rows;
  summary.examples_this_run = totals.examples - before.examples;
  summary.account = MakeAccount(job.plan, counts, summary.finished);
  ASSIGN_OR_RETURN(summary.sinks, FindSinkFiles(job, disk));
  ASSIGN_OR_RETURN(summary.warnings, DeadWarnings(job, counts, disk));
  return summary;
}

std::string ToText(const Summary& summary) {
  std::string text =
      absl::StrCat(summary.job, ": ", summary.finished ? "finished" : "stopped before the end",
                   summary.did_work ? "" : " before, nothing to do", "\n");
  absl::StrAppend(&text, "  ", WithCommas(summary.rows), " rows, ", WithCommas(summary.late),
                  " late, ", WithCommas(summary.dead), " dead");
  if (summary.did_work) {
    // A run that works off what an earlier one had read learns more than it reads.
    const bool catches_up = summary.examples_this_run > summary.rows_this_run;
    const uint64_t done = catches_up ? summary.examples_this_run : summary.rows_this_run;
    absl::StrAppend(&text, "; this run: ", WithCommas(summary.rows_this_run), " rows");
    if (catches_up) absl::StrAppend(&text, ", ", WithCommas(done), " examples learned");
    absl::StrAppend(&text, " in ", Seconds(summary.seconds));
    if (summary.seconds > 0) {
      const double rate = static_cast<double>(done) / summary.seconds;
      absl::StrAppend(&text, ", ", WithCommas(static_cast<uint64_t>(rate)),
                      catches_up ? " examples/s" : " rows/s");
    }
  }
  text += "\n";
  for (const std::string& warning : summary.warnings) {
    absl::StrAppend(&text, "  WARNING: ", warning, "\n");
  }
  AppendModels(summary, text);
  AppendAccount(summary, text);
  AppendSinks(summary, text);
  return text;
}

}  // namespace streamml::cli
