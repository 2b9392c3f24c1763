// The next step of a coordinator: how lanes come to run where they shall, one hand-off, failover or
// resize at a time, whatever of it was under way before. Pure.
//
// A hand-off: the target is told to follow; when it has caught up, the lane is taken out of the
// owner's assignment; when the owner has let go, the target is told to own it. An owner that is
// gone cannot let go: its lane is given away at once, and the new owner fences it (I4).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "job/decide/assign.h"

namespace streamml::decide {

enum class LaneRole : uint8_t { kFollow, kOwn };

// What a worker has told of a lane.
enum class SeenLane : uint8_t {
  kHeld,      // takes it, runs it or is letting it go
  kRunning,   // runs it, or it has ended
  kCaughtUp,  // follows, within a commit of the owner
  kOther,     // does not hold it: comes up, waits, let go, failed
};

struct SeenWorker {
  uint64_t epoch = 0;  // of the assignment that it acts on; 0: none
  std::map<uint32_t, SeenLane> lanes;
  // By lane: the highest epoch that the lane was claimed with, as its journal says.
  std::map<uint32_t, uint64_t> claims = {};
  // The highest epoch under which it took a lane that another process had claimed with the same
  // one.
  uint64_t contested = 0;
};

struct Observed {
  std::map<std::string, SeenWorker> up;  // workers that answer
  // Workers that do not answer yet but will soon: they started with the coordinator, or were added
  // just now. Not those that came up before and were lost: nobody waits for them.
  std::set<std::string> starting;
};

// The epochs that a coordinator gives out are those that leave `remainder` when divided by
// `modulus`: so two coordinators that do not know of each other never give out the same one, and
// one of the two has the higher claim. 1 and 0: there can be only one.
struct EpochSeries {
  uint64_t modulus = 1;
  uint64_t remainder = 0;  // below `modulus`
};

struct Wanted {
  std::vector<LaneWeight> lanes;  // all lanes of the job
  std::set<std::string> workers;  // that shall share them
  Standby standby = Standby::kNone;
  EpochSeries epochs = {};
};

struct WorkerRoles {
  uint64_t epoch = 0;
  std::map<uint32_t, LaneRole> lanes;
  friend bool operator==(const WorkerRoles&, const WorkerRoles&) = default;
};

// A lane that was taken out of an assignment and is not known to have been let go.
struct Leaving {
  std::string worker;
  uint64_t epoch = 0;    // of the assignment without it
  int64_t since_us = 0;  // by the coordinator's clock
  friend bool operator==(const Leaving&, const Leaving&) = default;
};

// What the coordinator has promised. `epoch` and what is in `workers` and `leaving` (but since_us)
// is durable before any worker hears of it; `plan` need not be, `ours` must not.
struct FleetState {
  uint64_t epoch = 0;  // the highest that was given out
  std::map<std::string, WorkerRoles> workers;
  std::map<uint32_t, Leaving> leaving;
  Assignment plan;  // where lanes shall be
  // Lanes that ran under a claim of this life of the coordinator, or of one before it.
  std::set<uint32_t> ours = {};
  friend bool operator==(const FleetState&, const FleetState&) = default;
};

// Another coordinator of the job, known by a claim.
struct Rival {
  uint32_t lane = 0;
  uint64_t epoch = 0;  // of the claim
};

// For people.
struct FleetEvent {
  enum class Kind : uint8_t {
    kFollow,    // `to` is to catch up, because it gets the lane
    kRelease,   // `to` has caught up; `from` is to let go
    kOwn,       // `to` is to run it; `from` had it before, or is empty
    kFailover,  // the same, but `from` is gone
    kOverdue,   // the same, but `from` did not let go in time
  };
  Kind kind;
  uint32_t lane = 0;
  std::string from;
  std::string to;
};

struct FleetStep {
  FleetState state;
  std::vector<std::string> send;   // workers, up, that have to be told what `state` has for them
  std::vector<std::string> spare;  // workers, up, that are not wanted and hold nothing any more
  bool settled = false;            // every lane runs where it shall, and nothing is on its way
  // A lane of ours was claimed with an epoch above all that we ever gave out: another coordinator
  // began later than we, and has the job. Nothing else is in the step, and there is to be no next.
  std::optional<Rival> rival;
  std::vector<FleetEvent> events;
};

// How long a new owner waits for one that answers, but does not let go.
inline constexpr int64_t kReleaseTimeoutUs = 15'000'000;

// The step that follows from `state`. Called again after each change of what is observed, and when
// a release is overdue; the same arguments give the same step, and a settled fleet gives a step
// that changes nothing. `now_us` never goes back.
FleetStep NextStep(const Wanted& wanted, const FleetState& state, const Observed& observed,
                   int64_t now_us);

}  // namespace streamml::decide
