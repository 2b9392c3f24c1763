// Where every row went: rows read = emitted + filtered + late + dead (+ held back while a job is
// stopped before its end), per stage and per way through its operators.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/lane/executor.h"
#include "worker/plan/plan.h"

namespace streamml::cli {

struct NodeCounts {
  uint64_t in = 0;
  uint64_t out = 0;
  uint64_t filtered = 0;
  uint64_t failed = 0;
};

// A lane's counters, or the sum of a stage's.
struct StageCounts {
  uint64_t read = 0;
  uint64_t late = 0;
  uint64_t dead = 0;              // records that are no rows
  uint64_t held = 0;              // read and not yet due
  std::vector<NodeCounts> nodes;  // as StageSpec::nodes
  uint64_t too_large = 0;         // emitted, and larger than their sink takes
};

StageCounts CountsOf(const std::vector<lane::Counter>& counters, size_t num_nodes);
void Add(const StageCounts& lane, StageCounts& stage);

// One way of rows through a stage: from its input to an operator that feeds no other.
struct PathAccount {
  std::string relation;  // view or model at its end; the stage where it has no operator
  uint64_t emitted = 0;
  uint64_t filtered = 0;
  uint64_t dead = 0;  // records that are no rows, and rows that failed in an operator of the way
};

struct StageAccount {
  std::string name;
  uint64_t read = 0;
  uint64_t late = 0;
  uint64_t held = 0;
  std::vector<PathAccount> paths;
  uint64_t too_large = 0;  // of what was emitted, at sinks
};

struct Account {
  std::vector<StageAccount> stages;
  std::vector<std::string> problems;  // sums that do not add up; empty when all is well
};

// Rows that one stage has sent and the next has not read yet. `counts` by stage.
uint64_t WaitingRows(const plan::JobPlan& plan, const std::vector<StageCounts>& counts);

// `counts` by stage. With `finished` also what one stage sends must be what the next has read.
Account MakeAccount(const plan::JobPlan& plan, const std::vector<StageCounts>& counts,
                    bool finished);

}  // namespace streamml::cli
