#include "tests/sim/savepoint_sim.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "tests/sim/disturbance.h"
#include "tests/sim/row_id.h"
#include "worker/savepoint/cut.h"
#include "worker/savepoint/lane_part.h"
#include "worker/savepoint/restore.h"
#include "worker/state/store/folder_store.h"

namespace streamml::sim {
namespace {

constexpr char kName[] = "before";
constexpr char kFingerprint[] = "sim0";
constexpr uint64_t kMaxActions = 200'000;

// Asks lane after lane for its part while all of them go on.
class Taker {
 public:
  Taker(const World& world, Process& process, savepoint::SavepointStore& store)
      : process_(process), store_(store) {
    for (const std::vector<uint32_t>& group : savepoint::SnapshotOrder(world.plan())) {
      order_.insert(order_.end(), group.begin(), group.end());
    }
    parts_.resize(order_.size());
  }

  bool done() const { return next_ == order_.size(); }
  const std::vector<savepoint::v1::LanePart>& parts() const { return parts_; }

  absl::Status Stuck() const {
    const lane::Lane& lane = *process_.lanes()[order_[next_]];
    return absl::InternalError(absl::StrCat("no progress at lane ", lane.spec().name, ", ",
                                            asked_ ? "asked" : "not asked", ", ",
                                            lane.snapshot_under_way() ? "under way" : "idle"));
  }

  absl::Status Step() {
    const uint32_t index = order_[next_];
    lane::Lane& lane = *process_.lanes()[index];
    if (part_.has_value()) {
      RETURN_IF_ERROR(part_->status());
      parts_[index] = **std::exchange(part_, std::nullopt);
      asked_ = false;
      ++next_;
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(lane.Commit());
    if (asked_ || lane.snapshot_under_way()) return absl::OkStatus();
    asked_ = true;
    return lane.StartExport([this, index](const state::SnapshotInfo& snapshot,
                                          state::SnapshotStore& snapshots) {
      part_ = savepoint::WriteLanePart(store_, {kName, index, kFingerprint}, snapshot, snapshots);
    });
  }

 private:
  Process& process_;
  savepoint::SavepointStore& store_;
  std::vector<uint32_t> order_;
  size_t next_ = 0;
  bool asked_ = false;
  std::optional<absl::StatusOr<savepoint::v1::LanePart>> part_;
  std::vector<savepoint::v1::LanePart> parts_;
};

struct Taken {
  savepoint::Document document;
  std::vector<savepoint::v1::LanePart> parts;
  std::map<std::string, std::string> files;  // what had been written before the cut, by path
};

// Part files up to the cut.
std::map<std::string, std::string> FilesBefore(const World& world,
                                               const std::vector<savepoint::v1::LanePart>& parts,
                                               const Outcome& left) {
  std::map<std::string, std::string> files;
  for (size_t i = 0; i < parts.size(); ++i) {
    const plan::LanePlan& lane = world.plan().lanes[i];
    const lane::StageSpec& stage = *world.plan().stages[lane.stage].spec;
    for (size_t s = 0; s < stage.sinks.size(); ++s) {
      const std::string path = lane::PartPath("data", stage.sinks[s], lane.part);
      const auto found = left.sink_files.find(path);
      if (found == left.sink_files.end()) continue;
      files[path] = found->second.substr(0, parts[i].engine().sink_bytes(static_cast<int>(s)));
    }
  }
  return files;
}

absl::StatusOr<Taken> Take(uint64_t seed, const World& world, savepoint::SavepointStore& store) {
  support::ModelDisk disk;
  support::Random random(seed ^ 0xCCCC);
  Process process(world, disk, random, kFingerprint);
  RETURN_IF_ERROR(process.Start());
  Taker taker(world, process, store);
  const uint64_t begin = random.Below(1 + random.Below(600));
  const uint64_t patience = 2 + random.Below(30);  // of the taker, between two steps
  for (uint64_t action = 0; !taker.done(); ++action) {
    if (action > kMaxActions) return taker.Stuck();
    const bool is_taking = action >= begin && random.OneIn(patience);
    RETURN_IF_ERROR(is_taking ? taker.Step() : process.Act());
  }
  savepoint::CutContents contents;
  contents.name = kName;
  contents.parts = taker.parts();
  contents.transaction_bytes = 1 + random.Below(2000);
  for (const std::unique_ptr<lane::Lane>& lane : process.lanes()) {
    contents.specs.push_back(lane->spec());
  }
  ASSIGN_OR_RETURN(savepoint::Document document,
                   savepoint::MakeSavepoint(world.plan(), process.log(), store, contents));
  return Taken{std::move(document), taker.parts(),
               FilesBefore(world, taker.parts(), process.Collect())};
}

std::string ContentOf(const Outcome& outcome, const std::string& path) {
  const auto found = outcome.sink_files.find(path);
  return found == outcome.sink_files.end() ? "" : found->second;
}

// Rows that were written before the cut are not written again, all others are.
absl::Status CompareOutputs(const World& world, const Taken& taken, const Outcome& expected,
                            const Outcome& seen) {
  for (size_t i = 0; i < world.plan().lanes.size(); ++i) {
    const plan::LanePlan& lane = world.plan().lanes[i];
    const lane::StageSpec& stage = *world.plan().stages[lane.stage].spec;
    for (size_t s = 0; s < stage.sinks.size(); ++s) {
      const std::string path = lane::PartPath("data", stage.sinks[s], lane.part);
      const std::string whole = ContentOf(expected, path);
      const uint64_t before = taken.parts[i].engine().sink_bytes(static_cast<int>(s));
      if (before > whole.size() || ContentOf(seen, path) != whole.substr(before)) {
        return absl::InternalError(absl::StrCat(path, " does not go on where it was cut (byte ",
                                                before, " of ", whole.size(), ", then ",
                                                ContentOf(seen, path).size(), " bytes)"));
      }
    }
  }
  return absl::OkStatus();
}

// Each row is answered once, before the cut or after it.
absl::Status CompareIds(const Taken& taken, const Outcome& expected, const Outcome& seen) {
  std::multiset<std::string> ids = ScoredIds(taken.files);
  ids.merge(ScoredIds(seen.sink_files));
  const std::multiset<std::string> all = ScoredIds(expected.sink_files);
  if (ids == all && !all.empty()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(ids.size(), " rows were scored or failed, not ", all.size(), ", or other ones"));
}

absl::Status CompareEnds(const Outcome& expected, const Outcome& seen) {
  for (size_t i = 0; i < expected.lanes.size(); ++i) {
    const Outcome::LaneOutcome& a = expected.lanes[i];
    const Outcome::LaneOutcome& b = seen.lanes[i];
    if (a.state_digest != b.state_digest) {
      return absl::InternalError(absl::StrCat("state digest of ", a.name, " differs"));
    }
    for (size_t c = 0; c < a.counters.size(); ++c) {
      if (a.counters[c] == b.counters[c]) continue;
      return absl::InternalError(absl::StrCat("counter ", a.counters[c].first, " of ", a.name,
                                              " is ", b.counters[c].second, ", not ",
                                              a.counters[c].second));
    }
  }
  return absl::OkStatus();
}

void NoteCut(const World& world, const Taken& taken, std::set<std::string>& events) {
  events.insert("savepoint taken and restored");
  bool all_ended = true;
  bool some_ended = false;
  for (size_t i = 0; i < taken.parts.size(); ++i) {
    const journal::v1::LaneState& engine = taken.parts[i].engine();
    if (taken.document.savepoint.lanes(static_cast<int>(i)).rows_in_flight() > 0) {
      events.insert("savepoint with rows in flight");
    }
    const bool has_ended = engine.watermark() == data::kMaxTime;
    all_ended = all_ended && has_ended;
    some_ended = some_ended || has_ended;
    for (const journal::v1::InputState& input : engine.inputs()) {
      const plan::InputPlan& plan = world.plan().lanes[i].inputs[input.low().input()];
      if (plan.source >= 0) continue;
      if (input.low().ordinal() < input.end().ordinal()) events.insert("savepoint with held rows");
      const uint64_t written = taken.parts[plan.channel.producer].journal_position();
      if (plan.side >= 0 && input.low().ordinal() > written + 1) {
        events.insert("savepoint with a scorer ahead of its trainer");
      }
    }
  }
  if (some_ended && !all_ended) events.insert("savepoint of lanes that have finished");
}

}  // namespace

absl::Status SimulateSavepoint(uint64_t seed, const World& world, const Outcome& expected,
                               bool trace, std::set<std::string>& events) {
  support::ModelDisk store_disk;
  const std::unique_ptr<state::ObjectStore> objects = state::MakeFolderStore(store_disk, "store");
  savepoint::SavepointStore store(*objects, "sim");
  absl::StatusOr<Taken> taken = Take(seed, world, store);
  RETURN_IF_ERROR(Annotate(taken.status(), "savepoint"));
  ASSIGN_OR_RETURN(savepoint::Document document, store.Read(kName));
  ASSIGN_OR_RETURN(const std::unique_ptr<lane::RestoreSource> source,
                   savepoint::MakeRestoreSource(world.plan(), store, std::move(document)));
  Disturbance lives(seed ^ 0x3333, world, trace, source.get());
  absl::StatusOr<Outcome> seen = lives.Run(events);
  RETURN_IF_ERROR(Annotate(seen.status(), "restored run"));
  NoteCut(world, *taken, events);
  if (!world.in_event_order()) {
    return Annotate(CompareIds(*taken, expected, *seen), "restored run");
  }
  RETURN_IF_ERROR(Annotate(CompareOutputs(world, *taken, expected, *seen), "restored run"));
  return Annotate(CompareEnds(expected, *seen), "restored run");
}

}  // namespace streamml::sim
