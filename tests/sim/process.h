// One life of a streamml process in the simulator: real FileLog, real lanes, a model disk, one
// thread, and a seeded choice of who acts next.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/sim/seeded_background.h"
#include "tests/sim/world.h"
#include "tests/support/model_disk.h"
#include "tests/support/random.h"
#include "worker/lane/lane.h"

namespace streamml::sim {

// What the process was doing when something happened.
enum class Phase { kOpenLog, kRecovery, kAdvance, kCommit, kSnapshot, kFinish, kStop };
const char* PhaseName(Phase phase);

// What a finished job left, to be compared between runs.
struct Outcome {
  struct LaneOutcome {
    std::string name;
    std::string output_digest;
    std::string state_digest;
    std::vector<lane::Counter> counters;
    friend bool operator==(const LaneOutcome&, const LaneOutcome&) = default;
  };
  std::vector<LaneOutcome> lanes;
  std::map<std::string, std::string> sink_files;  // path -> content
};

// The first difference between two outcomes for people; empty when they are equal.
std::string Difference(const Outcome& expected, const Outcome& seen);

// How long what was computed is to be replayable, and the time, which goes on between lives.
struct Keeping {
  int64_t keep_us = 0;  // 0: always
  int64_t now_us = 1'000'000;
};

class Process {
 public:
  // All must outlive the process. `keeping` null: always.
  Process(const World& world, support::ModelDisk& disk, support::Random& random,
          std::string fingerprint = "sim", Keeping* keeping = nullptr);
  ~Process();

  // The job begins from there; null: from nothing. Before Start().
  void BeginFrom(lane::RestoreSource* restore) { restore_ = restore; }
  // Opens log and lanes, as `streamml run` does.
  absl::Status Start();
  // I6: the newest snapshot that a journal tells of is there, and this life began from it. Right
  // after Start(), on a disk without damage.
  absl::Status CheckSnapshots() const;
  // One action of one lane, or a step of the background. Sets finished() when all lanes have
  // finished.
  absl::Status Act();
  absl::Status StopAll();
  bool finished() const;
  Phase phase() const { return phase_; }
  bool snapshot_under_way() const;
  // A lane has committed while its snapshot was under way.
  bool committed_meanwhile() const { return committed_meanwhile_; }
  // Values of states had left memory and came back.
  bool read_values_back() const;
  const std::vector<std::string>& notes() const { return notes_; }

  std::vector<std::unique_ptr<lane::Lane>>& lanes() { return lanes_; }
  log::Log& log() { return *log_; }
  Outcome Collect();
  // I1: executes every lane's journal from its oldest replayable position in a clean executor. The
  // process is of no use afterwards but for Collect().
  absl::Status ReplayAll();
  // The last ReplayAll began some lane after a change of fingerprint.
  bool replayed_from_snapshot() const { return replayed_from_snapshot_; }
  // Some lane's beginning was not kept when it was replayed, or when it was opened.
  bool replayed_truncated() const { return replayed_truncated_; }
  bool opened_truncated() const { return opened_truncated_; }

 private:
  absl::Status Commit(lane::Lane& lane);
  absl::Status ReplayLane(uint32_t index);
  absl::StatusOr<bool> IsTruncated(uint32_t index) const;

  const World& world_;
  support::ModelDisk& disk_;
  support::Random& random_;
  const std::string fingerprint_;
  lane::RestoreSource* restore_ = nullptr;
  Keeping own_keeping_;
  Keeping& keeping_;
  bool replayed_from_snapshot_ = false;
  bool replayed_truncated_ = false;
  bool opened_truncated_ = false;
  bool committed_meanwhile_ = false;
  SeededBackground background_;
  const uint64_t background_lag_;  // actions until a task runs, on average
  std::optional<state::MemoryBudget> memory_;
  std::unique_ptr<log::Log> log_;
  std::vector<std::unique_ptr<state::SnapshotStore>> stores_;
  std::vector<std::unique_ptr<lane::Lane>> lanes_;
  std::vector<std::string> notes_;
  Phase phase_ = Phase::kOpenLog;
};

}  // namespace streamml::sim
