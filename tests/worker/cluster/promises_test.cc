#include "worker/cluster/promises.h"

#include "absl/log/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/model_disk.h"

namespace streamml::cluster {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPath = "data/cluster";

fleet::v1::JobRef Job(const std::string& identity) {
  fleet::v1::JobRef job;
  job.set_identity(identity);
  job.set_incarnation(1);
  return job;
}

decide::FleetState State() {
  decide::FleetState state;
  state.epoch = 9;
  state.workers["a"] = {8, {{0, decide::LaneRole::kOwn}, {2, decide::LaneRole::kFollow}}};
  state.workers["b"] = {9, {}};
  state.leaving[1] = {"b", 9, 1234};
  state.plan[0] = {"a", ""};
  return state;
}

class PromisesTest : public testing::Test {
 protected:
  PromisesTest() { CHECK(disk_.MakeDirectories("data").ok()); }
  support::ModelDisk disk_;
};

TEST_F(PromisesTest, WhatIsDurableComesBack) {
  EXPECT_EQ(*ReadPromises(disk_, kPath, Job("a"), 5), decide::FleetState());
  ASSERT_TRUE(WritePromises(disk_, kPath, ToProto(State(), Job("a"))).ok());
  support::Random random(1);
  disk_.Crash(random);
  decide::FleetState expected = State();
  expected.plan.clear();
  expected.leaving[1].since_us = 5;
  EXPECT_EQ(*ReadPromises(disk_, kPath, Job("a"), 5), expected);
}

TEST_F(PromisesTest, AnotherJobIsRefused) {
  ASSERT_TRUE(WritePromises(disk_, kPath, ToProto(State(), Job("a"))).ok());
  const auto read = ReadPromises(disk_, kPath, Job("b"), 0);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(read.status().message()),
              HasSubstr("is of job 'a', incarnation 1, and this is 'b', incarnation 1"));
}

TEST_F(PromisesTest, DamageIsRefusedWithTheWayOut) {
  ASSERT_TRUE(WritePromises(disk_, kPath, ToProto(State(), Job("a"))).ok());
  const std::string good = *ReadWhole(disk_, kPath);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    ASSERT_TRUE(disk_.Overwrite(kPath, bad).ok());
    const auto read = ReadPromises(disk_, kPath, Job("a"), 0);
    ASSERT_EQ(read.status().code(), absl::StatusCode::kDataLoss) << "byte " << i;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("remove the file"));
  }
}

TEST(ToSeenTest, PhasesBecomeWhatTheStepNeeds) {
  fleet::v1::Observation observation;
  *observation.mutable_job() = Job("a");
  observation.set_epoch(4);
  const auto add = [&](uint32_t number, fleet::v1::Phase phase, bool caught_up) {
    fleet::v1::LaneFacts& lane = *observation.add_lanes();
    lane.set_lane(number);
    lane.set_phase(phase);
    lane.set_caught_up(caught_up);
  };
  using decide::SeenLane;
  add(0, fleet::v1::PHASE_RUNNING, false);
  add(1, fleet::v1::PHASE_FINISHED, false);
  add(2, fleet::v1::PHASE_RELEASING, false);
  add(3, fleet::v1::PHASE_TAKING, false);
  add(4, fleet::v1::PHASE_FOLLOWING, true);
  add(5, fleet::v1::PHASE_FOLLOWING, false);
  add(6, fleet::v1::PHASE_RELEASED, false);
  add(7, fleet::v1::PHASE_FAILED, false);
  add(8, static_cast<fleet::v1::Phase>(77), true);  // of a later version: decides nothing
  observation.mutable_lanes(6)->set_claimed_epoch(3);
  observation.mutable_lanes(7)->set_claimed_epoch(12);
  observation.mutable_lanes(1)->set_contested_epoch(4);
  observation.mutable_lanes(2)->set_contested_epoch(2);
  const decide::SeenWorker seen = ToSeen(observation, Job("a"));
  EXPECT_EQ(seen.epoch, 4u);
  const std::map<uint32_t, SeenLane> expected = {{0, SeenLane::kRunning},  {1, SeenLane::kRunning},
                                                 {2, SeenLane::kHeld},     {3, SeenLane::kHeld},
                                                 {4, SeenLane::kCaughtUp}, {5, SeenLane::kOther},
                                                 {7, SeenLane::kOther},    {8, SeenLane::kOther}};
  EXPECT_EQ(seen.lanes, expected);
  EXPECT_EQ(seen.claims, (std::map<uint32_t, uint64_t>{{6, 3}, {7, 12}}));
  EXPECT_EQ(seen.contested, 4u);
  EXPECT_EQ(ToSeen(observation, Job("b")).epoch, 0u);
}

TEST(NoteStallsTest, OnlyLanesThatNeedBrokersHaveASay) {
  fleet::v1::Observation observation;
  const auto add = [&](fleet::v1::Phase phase, double seconds) {
    fleet::v1::LaneFacts& lane = *observation.add_lanes();
    lane.set_phase(phase);
    lane.set_stalled_seconds(seconds);
  };
  ProcessView view;
  for (const fleet::v1::Phase phase : {fleet::v1::PHASE_FAILED, fleet::v1::PHASE_RESTORING,
                                       fleet::v1::PHASE_FOLLOWING, fleet::v1::PHASE_FINISHED}) {
    add(phase, 0);
  }
  NoteStalls(observation, view);
  EXPECT_EQ(view.stalled_us, 0);
  add(fleet::v1::PHASE_RUNNING, 9);
  add(fleet::v1::PHASE_WAITING, 3);
  NoteStalls(observation, view);
  EXPECT_EQ(view.stalled_us, 9'000'000);
  EXPECT_EQ(view.least_stalled_us, 3'000'000);
  add(fleet::v1::PHASE_RUNNING, 0);
  NoteStalls(observation, view);
  EXPECT_EQ(view.least_stalled_us, 0);
}

}  // namespace
}  // namespace streamml::cluster
