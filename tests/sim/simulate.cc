#include "tests/sim/simulate.h"

#include <cstdio>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "tests/sim/process.h"
#include "tests/sim/row_id.h"
#include "tests/sim/world.h"

namespace streamml::sim {
namespace {

using support::DiskAction;
using support::DiskOperation;
using support::ModelDisk;
using support::Random;

constexpr int kMaxLives = 7;
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
                                       nullptr};

std::string EventOf(Phase phase) {
  return absl::StrCat("crash in ", phase == Phase::kAdvance ? "commit" : PhaseName(phase));
}

// Runs the job in lives that end by crashes, full disks and orderly stops, the last one
// undisturbed.
class Disturbance {
 public:
  Disturbance(uint64_t seed, const World& world, bool trace)
      : random_(seed * 2 + 1), world_(world), trace_(trace) {
    if (!random_.OneIn(3))
      keeping_.keep_us = 1'000'000 + static_cast<int64_t>(random_.Below(150'000'000));
  }

  absl::StatusOr<Outcome> Run(std::set<std::string>& events) {
    for (int life = 0; life < kMaxLives; ++life) {
      ASSIGN_OR_RETURN(const bool done, Live(life + 1 == kMaxLives, events));
      if (done) return std::move(outcome_);
    }
    return absl::InternalError("the last life did not end");
  }

 private:
  // Plans this life's fault: after how many changing disk operations it comes, and which.
  void PlanFault(bool last) {
    fault_at_ =
        last ? UINT64_MAX : disk_.num_operations() + 1 + random_.Below(1 + random_.Below(400));
    fault_ = random_.OneIn(8) ? DiskAction::kFull : DiskAction::kStop;
    disk_.SetHook([this](const DiskOperation& operation) {
      const bool was_truncating = truncating_;
      truncating_ = operation.path.ends_with(".log") && operation.name == "remove";
      if (operation.number < fault_at_) return DiskAction::kProceed;
      if (operation.number > fault_at_)
        return fault_ == DiskAction::kFull ? fault_ : DiskAction::kProceed;
      struck_ = std::string(operation.name);
      struck_truncating_ = truncating_ || was_truncating;
      struck_phase_ = process_->phase();
      struck_under_way_ = process_->snapshot_under_way();
      return fault_;
    });
  }

  absl::StatusOr<bool> Live(bool last, std::set<std::string>& events) {
    struck_.clear();
    struck_truncating_ = false;
    // Clocks are set, also back.
    if (random_.OneIn(10)) keeping_.now_us += random_.Between(-50'000'000, 50'000'000);
    PlanFault(last);
    const uint64_t stop_after = random_.OneIn(5) ? random_.Below(150) : kMaxActions;
    process_ = std::make_unique<Process>(world_, disk_, random_, absl::StrCat("sim", fingerprint_),
                                         &keeping_);
    Process* const process = process_.get();
    absl::Status status = process->Start();
    if (status.ok()) RETURN_IF_ERROR(process->CheckSnapshots());
    NoteRecovery(*process, events);
    bool stopped = false;
    for (uint64_t action = 0; status.ok() && !process->finished(); ++action) {
      if (action > kMaxActions) return absl::InternalError("no progress");
      stopped = action == stop_after && !last;
      status = stopped ? process->StopAll() : process->Act();
      if (stopped) break;
    }
    if (trace_) {
      std::printf("life: %s, phase %s, struck at '%s'\n", status.ToString().c_str(),
                  PhaseName(process->phase()), struck_.c_str());
      for (const std::string& note : process->notes()) std::printf("  note: %s\n", note.c_str());
    }
    if (status.ok() && process->opened_truncated())
      events.insert("recovered behind a truncated beginning");
    if (process->read_values_back()) events.insert("values read back from snapshots");
    if (process->committed_meanwhile()) events.insert("commit while a snapshot is under way");
    if (status.ok() && stopped) {
      events.insert("orderly stop");
      if (random_.OneIn(2)) {  // an upgrade
        ++fingerprint_;
        events.insert("fingerprint changed");
      }
    }
    if (status.ok() && !stopped) {
      disk_.SetHook(nullptr);
      outcome_ = process->Collect();
      RETURN_IF_ERROR(Annotate(process->ReplayAll(), "replay"));
      if (process->replayed_from_snapshot()) events.insert("replayed after a change");
      if (process->replayed_truncated()) events.insert("replayed behind a truncated beginning");
      return true;
    }
    if (!status.ok()) RETURN_IF_ERROR(NoteFault(status, events));
    process_.reset();
    disk_.SetHook(nullptr);
    // The machine may lose what was not synced, also after an orderly stop or a full disk; or only
    // the process died, and what it left unsynced is lost by a later crash, or never.
    if (random_.OneIn(2)) {
      disk_.Kill();
      events.insert("process killed, machine lives");
    } else {
      disk_.Crash(random_);
      events.insert("power cut");
    }
    return false;
  }

  // A fault of the disk ends a life; anything else is a mistake of ours, and returned.
  absl::Status NoteFault(const absl::Status& status, std::set<std::string>& events) const {
    if (struck_.empty()) return status;
    if (fault_ == DiskAction::kFull) {
      if (!absl::IsResourceExhausted(status)) return Annotate(status, "disk full reported as");
      events.insert("disk full");
      return absl::OkStatus();
    }
    events.insert(EventOf(struck_phase_));
    if (struck_truncating_) events.insert("crash while the log is truncated");
    if (struck_under_way_) events.insert("crash while a snapshot is under way");
    for (const char* name : {"rename", "sync", "append"}) {
      if (struck_ == name)
        events.insert(absl::StrCat("crash in a", name[0] == 'a' ? "n " : " ", name));
    }
    return absl::OkStatus();
  }

  static void NoteRecovery(const Process& process, std::set<std::string>& events) {
    for (const std::string& note : process.notes()) {
      if (absl::StrContains(note, "unfinished transaction")) events.insert("torn log tail cut");
      if (absl::StrContains(note, "uncommitted bytes")) events.insert("uncommitted output cut");
      if (absl::StrContains(note, "recovered from the snapshot"))
        events.insert("recovered from a snapshot");
    }
  }

  Random random_;
  const World& world_;
  const bool trace_;
  ModelDisk disk_;
  uint64_t fault_at_ = 0;
  DiskAction fault_ = DiskAction::kStop;
  std::unique_ptr<Process> process_;  // the life that is being lived
  std::string struck_;
  Phase struck_phase_ = Phase::kOpenLog;
  bool struck_under_way_ = false;
  bool struck_truncating_ = false;
  bool truncating_ = false;  // the last operation removed a file of the log
  Keeping keeping_;
  int fingerprint_ = 0;
  Outcome outcome_;
};

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

// Ids of the rows that were scored, or failed on the way.
std::multiset<std::string> ScoredIds(const Outcome& outcome) {
  std::multiset<std::string> ids;
  for (const auto& [sink, lines] : Lines(outcome)) {
    if (sink != "data/scores" && sink != "data/features.dead") continue;
    for (const std::string& line : lines) ids.insert(RowId(line));
  }
  return ids;
}

// Where what comes out depends on when rows came, each row still comes out once.
absl::Status Compare(const World& world, const Outcome& expected, const Outcome& seen) {
  const std::string difference = world.in_event_order() ? Difference(expected, seen) : "";
  if (!difference.empty()) return absl::InternalError(difference);
  const size_t num_expected = ScoredIds(expected).size();
  if (ScoredIds(expected) == ScoredIds(seen) && num_expected > 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(ScoredIds(seen).size(),
                                          " rows were scored or failed, not ", num_expected,
                                          ", or other ones"));
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
  ASSIGN_OR_RETURN(const Outcome seen, Disturbance(seed, *world, options.trace).Run(happened));
  RETURN_IF_ERROR(Annotate(CheckAccounts(*world, seen), "disturbed run"));
  RETURN_IF_ERROR(Annotate(Compare(*world, expected, seen), "disturbed run"));
  if (seed % 4 == 0 && world->in_event_order()) {
    RETURN_IF_ERROR(CompareLanes(seed, options, expected, 1 + static_cast<uint32_t>(seed / 4 % 4)));
    happened.insert("other lanes agree");
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
