#include "worker/cli/accounting.h"

#include <algorithm>

#include "base/status.h"

namespace streamml::cli {
namespace {

constexpr size_t kFirstNode = 3;  // after read, late and dead
constexpr size_t kPerNode = 4;    // in, out, filtered, failed

uint64_t Processed(const StageCounts& counts) {
  return counts.read - std::min(counts.read, counts.late + counts.dead + counts.held);
}

uint64_t RowsOf(const StageCounts& counts, int node) {
  return node < 0 ? Processed(counts) : counts.nodes[static_cast<size_t>(node)].out;
}

bool FeedsAnother(const lane::StageSpec& stage, size_t node) {
  return std::any_of(stage.nodes.begin(), stage.nodes.end(), [node](const lane::NodeSpec& other) {
    return other.input == static_cast<int>(node);
  });
}

// From the operator back to the stage's input.
PathAccount MakePath(const lane::StageSpec& stage, const StageCounts& counts, int node) {
  PathAccount path;
  path.relation = node < 0 ? stage.name : stage.nodes[static_cast<size_t>(node)].owner;
  path.emitted = RowsOf(counts, node);
  path.dead = counts.dead;
  if (node >= 0 && stage.nodes[static_cast<size_t>(node)].is_end) {
    const NodeCounts& end = counts.nodes[static_cast<size_t>(node)];
    path.emitted = end.in - std::min(end.in, end.filtered + end.failed);
  }
  for (; node >= 0; node = stage.nodes[static_cast<size_t>(node)].input) {
    path.filtered += counts.nodes[static_cast<size_t>(node)].filtered;
    path.dead += counts.nodes[static_cast<size_t>(node)].failed;
  }
  return path;
}

void CheckPath(const StageAccount& stage, const PathAccount& path,
               std::vector<std::string>& problems) {
  const uint64_t sum = path.emitted + path.filtered + stage.late + path.dead + stage.held;
  if (sum == stage.read) return;
  problems.push_back(absl::StrCat("stage ", stage.name, ", ", path.relation, ": ", stage.read,
                                  " rows read, but ", path.emitted, " emitted + ", path.filtered,
                                  " filtered + ", stage.late, " late + ", path.dead, " dead + ",
                                  stage.held, " held = ", sum));
}

// What each operator got must be what the one before it gave.
void CheckNodes(const lane::StageSpec& stage, const StageCounts& counts,
                std::vector<std::string>& problems) {
  for (size_t i = 0; i < stage.nodes.size(); ++i) {
    const uint64_t given = RowsOf(counts, stage.nodes[i].input);
    if (counts.nodes[i].in == given) continue;
    problems.push_back(absl::StrCat("stage ", stage.name, ": operator ", stage.nodes[i].owner, ".",
                                    stage.nodes[i].name, " got ", counts.nodes[i].in, " of ", given,
                                    " rows"));
  }
}

void CheckTopics(const plan::JobPlan& plan, const std::vector<StageCounts>& counts,
                 std::vector<std::string>& problems) {
  for (size_t from = 0; from < plan.stages.size(); ++from) {
    for (const lane::TopicOutput& topic : plan.stages[from].spec->topics) {
      const uint64_t sent = RowsOf(counts[from], topic.node);
      for (size_t to = 0; to < plan.stages.size(); ++to) {
        if (plan.stages[to].topic != topic.topic || counts[to].read == sent) continue;
        problems.push_back(absl::StrCat("topic ", topic.topic, ": ", sent, " rows sent, ",
                                        counts[to].read, " read"));
      }
    }
  }
}

}  // namespace

StageCounts CountsOf(const std::vector<lane::Counter>& counters, size_t num_nodes) {
  StageCounts counts;
  counts.nodes.resize(num_nodes);
  const size_t first_sink = kFirstNode + num_nodes * kPerNode;
  if (counters.size() < first_sink) return counts;
  counts.read = counters[0].second;
  counts.late = counters[1].second;
  counts.dead = counters[2].second;
  for (size_t i = 0; i < num_nodes; ++i) {
    const lane::Counter* node = &counters[kFirstNode + i * kPerNode];
    counts.nodes[i] = {node[0].second, node[1].second, node[2].second, node[3].second};
  }
  for (size_t i = first_sink; i < counters.size(); ++i) counts.too_large += counters[i].second;
  return counts;
}

void Add(const StageCounts& lane, StageCounts& stage) {
  stage.read += lane.read;
  stage.late += lane.late;
  stage.dead += lane.dead;
  stage.held += lane.held;
  stage.too_large += lane.too_large;
  stage.nodes.resize(lane.nodes.size());
  for (size_t i = 0; i < lane.nodes.size(); ++i) {
    stage.nodes[i].in += lane.nodes[i].in;
    stage.nodes[i].out += lane.nodes[i].out;
    stage.nodes[i].filtered += lane.nodes[i].filtered;
    stage.nodes[i].failed += lane.nodes[i].failed;
  }
}

uint64_t WaitingRows(const plan::JobPlan& plan, const std::vector<StageCounts>& counts) {
  uint64_t waiting = 0;
  for (size_t from = 0; from < plan.stages.size(); ++from) {
    for (const lane::TopicOutput& topic : plan.stages[from].spec->topics) {
      const uint64_t sent = RowsOf(counts[from], topic.node);
      for (size_t to = 0; to < plan.stages.size(); ++to) {
        // Counts of lanes are of different instants.
        if (plan.stages[to].topic == topic.topic) waiting += sent - std::min(sent, counts[to].read);
      }
    }
  }
  return waiting;
}

Account MakeAccount(const plan::JobPlan& plan, const std::vector<StageCounts>& counts,
                    bool finished) {
  Account account;
  for (size_t s = 0; s < plan.stages.size(); ++s) {
    const lane::StageSpec& spec = *plan.stages[s].spec;
    StageAccount stage{spec.name, counts[s].read,     counts[s].late, counts[s].held,
                       {},        counts[s].too_large};
    if (spec.nodes.empty()) stage.paths.push_back(MakePath(spec, counts[s], -1));
    for (size_t node = 0; node < spec.nodes.size(); ++node) {
      if (!FeedsAnother(spec, node))
        stage.paths.push_back(MakePath(spec, counts[s], static_cast<int>(node)));
    }
    CheckNodes(spec, counts[s], account.problems);
    for (const PathAccount& path : stage.paths) CheckPath(stage, path, account.problems);
    account.stages.push_back(std::move(stage));
  }
  if (finished) CheckTopics(plan, counts, account.problems);
  return account;
}

}  // namespace streamml::cli
