// A savepoint of a simulated job: taken at a random moment while its lanes run, and restored into a
// new incarnation on another disk, whose lives are disturbed.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "tests/sim/process.h"
#include "tests/sim/world.h"

namespace streamml::sim {

// INTERNAL with what is wrong; OK when invariant I7 holds: what the new incarnation writes is what
// the undisturbed run, which left `expected`, wrote after the cut, its states and counts are the
// same in the end, and it can be replayed. Where answers depend on when rows come: each row is
// answered once, before the cut or after it.
absl::Status SimulateSavepoint(uint64_t seed, const World& world, const Outcome& expected,
                               bool trace, std::set<std::string>& events);

}  // namespace streamml::sim
