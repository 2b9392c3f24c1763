// What a run has done, as a value, as text and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/disk.h"
#include "worker/cli/accounting.h"
#include "worker/cli/load.h"
#include "worker/lane/lane.h"
#include "worker/lane/run.h"

namespace streamml::cli {

struct LaneSummary {
  std::string name;
  uint64_t journal_position = 0;
  uint64_t oldest_replayable = 1;  // position
  std::string output_digest;
  std::string state_digest;
  int64_t watermark = data::kMinTime;
  uint64_t commits = 0;  // in this run
  bool finished = false;
};

struct SinkFile {
  std::string path;
  uint64_t bytes = 0;
};

struct SinkSummary {
  std::string name;
  std::vector<SinkFile> files;  // that are there
};

struct Summary {
  std::string job;
  std::string data_dir;
  uint64_t rows = 0;  // records of all sources, over all runs
  uint64_t late = 0;
  uint64_t dead = 0;
  Account account;
  std::vector<lane::ModelProgress> models;
  std::vector<LaneSummary> lanes;
  std::vector<SinkSummary> sinks;
  bool finished = false;
  bool did_work = true;  // this run read something
  uint64_t rows_this_run = 0;
  uint64_t examples_this_run = 0;  // learned, of all models
  // What is not as it should be although the run went well, one sentence each.
  std::vector<std::string> warnings;
  double seconds = 0;  // of this run
};

// The sums over all lanes that people watch.
struct Totals {
  uint64_t rows = 0;
  uint64_t late = 0;
  uint64_t dead = 0;
  uint64_t waiting = 0;                // between stages
  uint64_t examples = 0;               // learned, of all models
  int64_t watermark = data::kMaxTime;  // of the lane that is furthest behind
};
Totals TotalsOf(const plan::JobPlan& plan, const std::vector<lane::LaneProgress>& lanes);

// All lanes, open and not running. `seconds` and `before` (when it began) tell what this run did.
absl::StatusOr<Summary> Summarize(const Job& job,
                                  const std::vector<std::unique_ptr<lane::Lane>>& lanes, Disk& disk,
                                  const Totals& before, double seconds);

// For people; ends with a line end.
std::string ToText(const Summary& summary);
// One JSON object, indented; ends with a line end. Digests and times are text, undefined metrics
// null.
std::string ToJson(const Summary& summary);

}  // namespace streamml::cli
