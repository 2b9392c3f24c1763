// Several worker processes, a coordinator that gives them lanes, and all that may befall them.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/sim/kafka/model_kafka.h"
#include "tests/sim/kafka/topic_world.h"
#include "tests/sim/kafka/worker_life.h"

namespace streamml::sim {

class Fleet {
 public:
  // What a lane knows of itself in the end.
  struct LaneEnd {
    std::string name;
    Digest output;
    Digest state;
    std::vector<lane::Counter> counters;
    uint64_t oldest = 1;  // position that can be replayed
  };

  // Everything that happens is a function of the seed. The world must outlive the fleet.
  Fleet(uint64_t seed, const TopicWorld& world, uint32_t num_workers, bool trace);
  ~Fleet();

  // Crashes, outages, lost requests, lanes that move. An error is a mistake of ours.
  absl::Status Disturb(uint64_t num_steps);
  // From now on nothing goes wrong: all lanes go on until there is nothing left to do, and stop.
  absl::Status Settle();

  const std::vector<LaneEnd>& ends() const { return ends_; }  // after Settle()
  ModelKafka& kafka() { return kafka_; }
  SharedStore& shared() { return shared_; }
  support::Random& random() { return random_; }
  const std::set<std::string>& events() const { return events_; }

 private:
  struct Worker {
    std::unique_ptr<support::ModelDisk> disk;
    std::unique_ptr<WorkerLife> life;       // null: not running
    std::map<uint32_t, uint64_t> believed;  // lanes that it takes for its own, by which assignment
    bool busy = false;                      // in the middle of something
  };

  absl::Status Step();
  absl::Status Act(size_t worker);
  absl::Status After(size_t worker, uint32_t lane, const absl::Status& status);
  void Misfortune();
  void Start(size_t worker);
  void Die(size_t worker);
  void Move(uint32_t lane, bool tell);
  absl::Status TakeFrom(size_t worker, uint32_t lane);
  absl::Status StandBy(size_t worker);
  void StopInOrder(size_t worker);
  size_t SomeWorker();  // neither dead nor busy; workers_.size() when there is none
  bool Pass(size_t worker, Point point, const std::string& id);
  bool WaitForLog(size_t worker, uint32_t lane, const absl::Status& status, int attempt);
  EndFate SomeFate();
  void Others(uint64_t steps);
  void Say(const std::string& what) const;
  absl::Status SettleRound(bool& progress);
  absl::Status Rest();
  absl::Status StopAll(bool& stopped);

  support::Random random_;
  const TopicWorld& world_;
  const bool trace_;
  std::set<std::string> events_;
  ModelKafka kafka_;
  SharedStore shared_;
  std::vector<Worker> workers_;
  std::vector<size_t> owners_;  // by lane: whom the coordinator gave it
  uint64_t assignment_ = 1;     // the last
  bool calm_ = false;
  int depth_ = 0;  // of steps within a request of a worker that is stopped meanwhile
  uint64_t crash_rate_ = 1;
  uint64_t pause_rate_ = 1;
  uint64_t fate_rate_ = 1;
  int num_errors_ = 0;
  absl::Status mistake_;
  std::vector<LaneEnd> ends_;
};

}  // namespace streamml::sim
