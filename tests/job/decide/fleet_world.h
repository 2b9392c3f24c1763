// Workers as a coordinator sees them, in memory: they act on what they were told when they like to,
// die, come back with what they knew, and fall silent. Steps the pure coordinator over them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "job/decide/fleet.h"
#include "tests/support/random.h"

namespace streamml::decide {

// One thread.
class FleetWorld {
 public:
  FleetWorld(uint32_t num_lanes, Standby standby, uint64_t seed);

  // The workers w0 to w<n-1> are wanted from now on; new ones start.
  void Resize(size_t num_workers);
  // The process is gone and comes up again; what it was told last is known to it.
  void Kill(const std::string& name);
  void ComeBack(const std::string& name);
  // Alive, but neither heard nor told anything.
  void SetSilent(const std::string& name, bool silent);
  // The coordinator starts again with what was durable.
  void RestartCoordinator();

  // One look and one step of the coordinator, whose promises are checked. Assignments arrive.
  FleetStep Step();
  // Some lane of some worker gets on.
  void GetOn();
  // Steps and gets on until settled; false when that takes too long.
  bool Settle();

  Observed Look() const;
  const FleetState& state() const { return state_; }
  // Who runs the lane, as far as workers know; empty: nobody.
  std::set<std::string> RunningAt(uint32_t lane) const;
  std::set<std::string> names() const;
  std::string violation() const { return violation_; }  // of a promise; empty: none
  void Wait(int64_t microseconds) { now_us_ += microseconds; }

 private:
  enum class Stage : uint8_t { kComing, kFollowing, kTaking, kRunning, kReleasing };
  struct Worker {
    bool up = false;
    bool ever_up = false;
    bool silent = false;
    WorkerRoles told;
    std::map<uint32_t, Stage> lanes;
  };
  void Accept(Worker& worker, const WorkerRoles& roles, const std::string& name);
  void CheckPromises(const FleetState& before, const FleetStep& step, const Observed& observed);

  support::Random random_;
  Wanted wanted_;
  FleetState state_;
  std::map<std::string, Worker> workers_;
  std::map<std::pair<std::string, uint64_t>, std::map<uint32_t, LaneRole>> sent_;
  int64_t now_us_ = 0;
  std::string violation_;
};

}  // namespace streamml::decide
