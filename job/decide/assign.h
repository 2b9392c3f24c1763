// Which worker owns which lane. Pure: the same arguments give the same assignment.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace streamml::decide {

struct LaneWeight {
  uint32_t lane = 0;   // number among all lanes of the job
  uint32_t stage = 0;  // lanes of one stage are spread over the workers where that costs no move
  double weight = 1;   // its share of the work, in any unit; what is not above 0 or not finite is 1
};

struct Placement {
  std::string owner;    // empty: nobody (there are no workers)
  std::string standby;  // another worker than the owner; empty: none
  friend bool operator==(const Placement&, const Placement&) = default;
};
using Assignment = std::map<uint32_t, Placement>;  // by lane

enum class Standby : uint8_t { kNone, kEach };

// Places each of `lanes` on one of `workers` (both in any order, without repetitions).
//
// - Owners of `current` that are still among the workers keep their lanes, but for moves from a
//   fuller worker to an emptier one, one lane at a time, the fullest and the emptiest first, as
//   long as the other does not become as full as the first was. With equal weights that leaves the
//   numbers of lanes within one of each other, and no assignment that does so takes fewer moves.
//   With other weights it ends where no single move would help.
// - A lane whose owner is gone goes to its standby if that is a worker, because it is warm, else to
//   the emptiest worker.
// - With Standby::kEach and at least two workers each lane has a standby, never its owner; the
//   standbys of `current` stay where they are as long as numbers are within one of each other, or
//   cannot be brought closer.
//
// A settled assignment is given back as it is.
Assignment Assign(std::vector<LaneWeight> lanes, std::vector<std::string> workers,
                  const Assignment& current, Standby standby);

}  // namespace streamml::decide
