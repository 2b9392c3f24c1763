#include "tests/sim/simulate.h"

#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "tests/sim/disturbance.h"
#include "tests/sim/process.h"
#include "tests/sim/row_id.h"
#include "tests/sim/savepoint_sim.h"
#include "tests/sim/world.h"

namespace streamml::sim {
namespace {

using support::ModelDisk;
using support::Random;

constexpr uint64_t kMaxActions = 200'000;

constexpr const char* kEventNames[] = {"crash in open log",
                                       "crash in recovery",
                                       "crash in commit",
                                       "crash in snapshot",
                                       "crash while a snapshot is under way",
                                       "commit while a snapshot is under way",
                                       "values read back from snapshots",
                                       "crash in finish",
                                       "crash in stop",
                                       "crash in a rename",
                                       "crash in a sync",
                                       "crash in an append",
                                       "disk full",
                                       "orderly stop",
                                       "torn log tail cut",
                                       "uncommitted output cut",
                                       "recovered from a snapshot",
                                       "late rows",
                                       "dead rows",
                                       "failed rows",
                                       "several lanes",
                                       "other lanes agree",
                                       "model trained apart",
                                       "rows answered on arrival",
                                       "versions adopted as they came",
                                       "fingerprint changed",
                                       "replayed after a change",
                                       "recovered behind a truncated beginning",
                                       "replayed behind a truncated beginning",
                                       "crash while the log is truncated",
                                       "power cut",
                                       "process killed, machine lives",
                                       "savepoint taken and restored",
                                       "savepoint with rows in flight",
                                       "savepoint with held rows",
                                       "savepoint with a scorer ahead of its trainer",
                                       "savepoint of lanes that have finished",
                                       "crash while a savepoint is restored",
                                       nullptr};

// The job without faults, on a fresh disk, with a schedule of its own.
absl::StatusOr<Outcome> Undisturbed(uint64_t schedule_seed, const World& world) {
  ModelDisk disk;
  Random random(schedule_seed);
  Process process(world, disk, random);
  RETURN_IF_ERROR(process.Start());
  for (uint64_t action = 0; !process.finished(); ++action) {
    if (action > kMaxActions) return absl::InternalError("no progress");
    RETURN_IF_ERROR(process.Act());
  }
  return process.Collect();
}

uint64_t Sum(const Outcome& outcome, std::string_view suffix) {
  uint64_t sum = 0;
  for (const Outcome::LaneOutcome& lane : outcome.lanes) {
    for (const lane::Counter& counter : lane.counters) {
      if (std::string_view(counter.first).ends_with(suffix)) sum += counter.second;
    }
  }
  return sum;
}

// Rows that end in an operator, and what it gives instead.
struct Ends {
  uint64_t in = 0;
  uint64_t out = 0;
};

Ends RowsThatEnd(const World& world, const Outcome& outcome) {
  Ends ends;
  for (size_t i = 0; i < outcome.lanes.size(); ++i) {
    const lane::StageSpec& stage = *world.plan().stages[world.plan().lanes[i].stage].spec;
    for (const lane::NodeSpec& node : stage.nodes) {
      if (!node.is_end) continue;
      const std::string prefix = absl::StrCat(node.owner, ".", node.name);
      for (const lane::Counter& counter : outcome.lanes[i].counters) {
        if (counter.first == prefix + ".in") ends.in += counter.second;
        if (counter.first == prefix + ".out") ends.out += counter.second;
        if (counter.first == prefix + ".filtered" || counter.first == prefix + ".failed")
          ends.in -= counter.second;
      }
    }
  }
  return ends;
}

// Each record is read once, and what an operator took is what it gave, filtered or failed.
absl::Status CheckAccounts(const World& world, const Outcome& outcome) {
  uint64_t read = 0;
  for (size_t i = 0; i < outcome.lanes.size(); ++i) {
    const bool is_source = world.plan().stages[world.plan().lanes[i].stage].source >= 0;
    if (is_source) read += outcome.lanes[i].counters.front().second;
  }
  if (read != world.num_records()) {
    return absl::InternalError(absl::StrCat(read, " records read of ", world.num_records()));
  }
  const uint64_t in = Sum(outcome, ".in");
  const Ends ends = RowsThatEnd(world, outcome);
  const uint64_t accounted = Sum(outcome, ".out") - ends.out + ends.in + Sum(outcome, ".filtered") +
                             Sum(outcome, ".failed");
  if (in == accounted) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(in, " rows into operators, ", accounted, " accounted for"));
}

// The lines of each sink's part files, sorted: what does not depend on how many lanes wrote them.
std::map<std::string, std::multiset<std::string>> Lines(const Outcome& outcome) {
  std::map<std::string, std::multiset<std::string>> lines;
  for (const auto& [path, content] : outcome.sink_files) {
    std::multiset<std::string>& sink = lines[path.substr(0, path.rfind('/'))];
    for (const absl::string_view line : absl::StrSplit(content, '\n', absl::SkipEmpty())) {
      sink.insert(std::string(line));
    }
  }
  return lines;
}

// Sinks that one lane writes are the same file whatever the number of lanes; the others have the
// same rows.
absl::Status CompareLanes(uint64_t seed, const SimulateOptions& options, const Outcome& expected,
                          uint32_t lanes) {
  WorldOptions other;
  other.num_rows = options.num_rows;
  other.num_lanes = lanes;
  other.any_order = true;
  ASSIGN_OR_RETURN(const std::unique_ptr<World> world, World::Make(seed, other));
  ASSIGN_OR_RETURN(const Outcome outcome, Undisturbed(seed ^ 0x5555, *world));
  const std::string scores = "data/scores/part-00000.jsonl";
  if (!world->trains_apart() && outcome.sink_files.at(scores) != expected.sink_files.at(scores)) {
    return absl::InternalError(absl::StrCat("with ", lanes, " lanes the scores differ"));
  }
  if (Lines(outcome) == Lines(expected)) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("with ", lanes, " lanes some sink has other rows"));
}

// Where what comes out depends on when rows came, each row still comes out once.
absl::Status Compare(const World& world, const Outcome& expected, const Outcome& seen) {
  const std::string difference = world.in_event_order() ? Difference(expected, seen) : "";
  if (!difference.empty()) return absl::InternalError(difference);
  const std::multiset<std::string> a = ScoredIds(expected.sink_files);
  const std::multiset<std::string> b = ScoredIds(seen.sink_files);
  if (a == b && !a.empty()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(b.size(), " rows were scored or failed, not ", a.size(), ", or other ones"));
}

}  // namespace

const char* const* EventNames() { return kEventNames; }

absl::Status Simulate(uint64_t seed, const SimulateOptions& options, Events& events) {
  std::set<std::string> happened;
  WorldOptions world_options;
  world_options.num_rows = options.num_rows;
  world_options.any_order = true;
  ASSIGN_OR_RETURN(const std::unique_ptr<World> world, World::Make(seed, world_options));
  ASSIGN_OR_RETURN(const Outcome expected, Undisturbed(seed ^ 0xAAAA, *world));
  RETURN_IF_ERROR(CheckAccounts(*world, expected));
  Disturbance lives(seed, *world, options.trace);
  ASSIGN_OR_RETURN(const Outcome seen, lives.Run(happened));
  RETURN_IF_ERROR(Annotate(CheckAccounts(*world, seen), "disturbed run"));
  RETURN_IF_ERROR(Annotate(Compare(*world, expected, seen), "disturbed run"));
  if (seed % 4 == 0 && world->in_event_order()) {
    RETURN_IF_ERROR(CompareLanes(seed, options, expected, 1 + static_cast<uint32_t>(seed / 4 % 4)));
    happened.insert("other lanes agree");
  }
  if (seed % 2 == 1) {
    RETURN_IF_ERROR(SimulateSavepoint(seed, *world, expected, options.trace, happened));
  }
  if (world->plan().lanes.size() > 1) happened.insert("several lanes");
  if (world->trains_apart()) happened.insert("model trained apart");
  if (plan::AnswersOnArrival(world->plan())) happened.insert("rows answered on arrival");
  if (!world->in_event_order() && world->trains_apart()) {
    happened.insert("versions adopted as they came");
  }
  if (Sum(expected, "late") > 0) happened.insert("late rows");
  if (Sum(expected, "dead") > 0) happened.insert("dead rows");
  if (Sum(expected, ".failed") > 0) happened.insert("failed rows");
  for (const std::string& event : happened) ++events[event];
  return absl::OkStatus();
}

}  // namespace streamml::sim
