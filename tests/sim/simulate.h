// One seed of the simulator: an undisturbed run, a run with crashes, and the comparison of both.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"

namespace streamml::sim {

// How often each named event happened, by seed.
using Events = std::map<std::string, uint64_t>;

struct SimulateOptions {
  uint64_t num_rows = 500;
  bool trace = false;  // prints every life
};

// INTERNAL with what is wrong; OK when invariants I1 and I2 hold for the seed. Adds 1 to each event
// that happened in it.
absl::Status Simulate(uint64_t seed, const SimulateOptions& options, Events& events);

// All names Simulate may count, each of which must happen in at least one seed of a hundred.
const char* const* EventNames();

}  // namespace streamml::sim
