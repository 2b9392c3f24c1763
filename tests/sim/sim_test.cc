// A few seeds of the simulator with every test run; the full figures come from lane_sim.

#include <gtest/gtest.h>

#include "tests/sim/kafka/kafka_simulate.h"
#include "tests/sim/simulate.h"

namespace streamml::sim {
namespace {

TEST(SimulatorTest, CrashesChangeNeitherOutputsNorState) {
  Events events;
  SimulateOptions options;
  options.num_rows = 120;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const absl::Status status = Simulate(seed, options, events);
    ASSERT_TRUE(status.ok()) << "seed " << seed << ": " << status;
  }
}

TEST(SimulatorTest, WhatHappensToWorkersAndBrokersChangesNeitherOutputsNorState) {
  Events events;
  SimulateOptions options;
  options.num_rows = 120;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const absl::Status status = SimulateKafka(seed, options, events);
    ASSERT_TRUE(status.ok()) << "seed " << seed << ": " << status;
  }
}

// A snapshot that a save removes became the base; a journal whose first commit was still under way
// was taken for one that somebody has deleted.
TEST(SimulatorTest, WorldsThatFoundMistakesBeforePass) {
  Events events;
  SimulateOptions options;
  options.num_rows = 500;
  EXPECT_TRUE(Simulate(859, options, events).ok());
  EXPECT_TRUE(SimulateKafka(2603, options, events).ok());
}

}  // namespace
}  // namespace streamml::sim
