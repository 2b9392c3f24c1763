// One life of a worker process in the simulator: the real log on the model of Kafka, real lanes,
// and a disk for snapshots.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/sim/kafka/model_client.h"
#include "tests/sim/kafka/shared_store.h"
#include "tests/sim/kafka/topic_world.h"
#include "tests/sim/seeded_background.h"
#include "tests/support/model_disk.h"
#include "worker/lane/lane.h"
#include "worker/state/store/stored_snapshots.h"

namespace streamml::sim {

class WorkerLife {
 public:
  using WaitFunction = std::function<bool(uint32_t lane, const absl::Status& status, int attempt)>;
  // All must outlive the life; `state` is that of its connection.
  WorkerLife(const TopicWorld& world, support::ModelDisk& disk, SharedStore& shared,
             support::Random& random, std::shared_ptr<ClientState> state, std::string name,
             WaitFunction wait_for_log);
  ~WorkerLife();

  absl::Status Start();
  // One action on a lane that this worker believes to be its own by an assignment: opening,
  // following, taking over, claiming, reading, committing, a snapshot. After an error the lane is
  // to be dropped.
  absl::Status Act(uint32_t lane, uint64_t assignment);
  // One action on a lane that this worker stands by for: opening, following.
  absl::Status StandBy(uint32_t lane);
  // Opens and claims what is not, reads what is there and commits now and then. Sets `progress`.
  absl::Status Settle(uint32_t lane, uint64_t assignment, bool& progress);
  // The owner lets go in order and stands by.
  absl::Status LetGo(uint32_t lane);
  // The last action was a look whether the lane has another owner.
  bool only_looked() const { return only_looked_; }
  // Stops it in order, if it is open, and drops it.
  absl::Status StopLane(uint32_t lane);
  void Drop(uint32_t lane) { lanes_.erase(lane); }

  // Null when it is not open.
  lane::Lane* lane(uint32_t index);
  bool is_following(uint32_t index) const;
  log::Log& log() { return *log_; }
  // Of a lane, on this worker's disk and in what is shared.
  std::unique_ptr<state::SnapshotStore> MakeStore(uint32_t index);
  const plan::JobPlan& plan() const { return plan_; }
  ClientState& state() { return *state_; }
  // Told since the last call.
  std::vector<std::string> TakeNotes() { return std::exchange(notes_, {}); }

 private:
  struct OpenLane {
    std::unique_ptr<state::SnapshotStore> store;
    state::StoredSnapshots* stored = nullptr;  // the same, if it is shared
    std::unique_ptr<lane::Lane> lane;
    bool owner = false;
    bool claimed = false;
  };
  absl::Status Open(uint32_t index);
  absl::Status Claim(OpenLane& open);

  support::ModelDisk& disk_;
  SharedStore& shared_;
  support::Random& random_;
  const std::shared_ptr<ClientState> state_;
  const std::string name_;
  const WaitFunction wait_for_log_;
  const log::KafkaLogOptions log_options_;
  const std::unique_ptr<log::Topics> topics_;
  const plan::JobPlan plan_;
  std::unique_ptr<log::Log> log_;
  SeededBackground background_;
  const uint64_t background_lag_;  // actions until a task runs, on average
  bool only_looked_ = false;
  std::vector<std::string> notes_;
  std::optional<state::MemoryBudget> memory_;
  std::map<uint32_t, OpenLane> lanes_;
};

}  // namespace streamml::sim
