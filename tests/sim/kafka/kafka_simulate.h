// One seed of the simulator on the model of Kafka: an undisturbed run on one worker, a run on
// several with everything that may go wrong, and the comparison of both.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "tests/sim/simulate.h"

namespace streamml::sim {

// INTERNAL with what is wrong; OK when invariants I1, I2 and I4 hold for the seed. Adds 1 to each
// event that happened in it.
absl::Status SimulateKafka(uint64_t seed, const SimulateOptions& options, Events& events);

// All names SimulateKafka may count, each of which must happen in at least one seed of a hundred.
const char* const* KafkaEventNames();

}  // namespace streamml::sim
