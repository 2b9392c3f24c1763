// Facts of lanes in the protocol. Mutants these kill: what is not known told as 0; an age by the
// clock of somebody else; a lag that nobody looked at for long told as if it were of now.
#include "worker/control/lane_facts.h"

#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"

namespace streamml::control {
namespace {

class LaneFactsTest : public testing::Test {
 protected:
  LaneFactsTest() { facts_.looked_us = clock_.MonotonicMicroseconds(); }
  fleet::v1::LaneFacts Told() { return ToProto(facts_, 0, {}, clock_); }

  support::ManualClock clock_;
  lane::LaneFacts facts_;
};

TEST_F(LaneFactsTest, WhatIsNotKnownIsNotZero) {
  facts_.looked_us = 0;
  const fleet::v1::LaneFacts told = Told();
  EXPECT_FALSE(told.has_lag_rows());
  EXPECT_FALSE(told.has_lag_seconds());
  EXPECT_FALSE(told.has_snapshot_position());
  EXPECT_FALSE(told.has_state_entries());
  EXPECT_FALSE(told.has_store());
  EXPECT_EQ(told.claimed_epoch(), 0u);
}

TEST_F(LaneFactsTest, TheAgeOfTheOldestRecordGrows) {
  facts_.progress.backlog = log::Backlog{12, clock_.UtcMicroseconds() - 2'500'000};
  EXPECT_EQ(Told().lag_rows(), 12u);
  EXPECT_DOUBLE_EQ(Told().lag_seconds(), 2.5);
  clock_.Advance(1'000'000);
  EXPECT_DOUBLE_EQ(Told().lag_seconds(), 3.5);
  facts_.progress.backlog->oldest_us = clock_.UtcMicroseconds() + 5'000'000;
  EXPECT_EQ(Told().lag_seconds(), 0) << "who wrote it has a clock that is ahead";
  facts_.progress.backlog->oldest_us = 0;
  EXPECT_EQ(Told().lag_rows(), 12u);
  EXPECT_FALSE(Told().has_lag_seconds()) << "its age is not known";
  facts_.progress.backlog->rows = 0;
  EXPECT_EQ(Told().lag_rows(), 0u);
  EXPECT_TRUE(Told().has_lag_seconds()) << "nothing waits";
}

TEST_F(LaneFactsTest, WhatNobodyLookedAtForLongIsNotKnown) {
  facts_.progress.backlog = log::Backlog{0, 0};
  clock_.Advance(9'000'000);
  EXPECT_TRUE(Told().has_lag_rows());
  clock_.Advance(2'000'000);
  EXPECT_FALSE(Told().has_lag_rows());
  EXPECT_FALSE(Told().has_lag_seconds());
}

TEST_F(LaneFactsTest, TellsOfSnapshotStateAndClaim) {
  facts_.progress.snapshot_sequence = 40;
  facts_.progress.num_state_entries = 0;
  facts_.progress.claimed_assignment = 9;
  facts_.contested_epoch = 8;
  EXPECT_EQ(Told().snapshot_position(), 40u);
  EXPECT_TRUE(Told().has_state_entries());
  EXPECT_EQ(Told().claimed_epoch(), 9u);
  EXPECT_EQ(Told().contested_epoch(), 8u);
}

TEST_F(LaneFactsTest, TellsWhatTheStoreLacks) {
  state::UploadStatus uploads;
  uploads.num_pending = 2;
  uploads.since_us = clock_.MonotonicMicroseconds() - 3'000'000;
  uploads.problem = "no answer";
  uploads.newest = state::SnapshotKey{31, {}};
  facts_.progress.uploads = uploads;
  EXPECT_EQ(Told().store().num_pending(), 2u);
  EXPECT_DOUBLE_EQ(Told().store().pending_seconds(), 3);
  EXPECT_EQ(Told().store().problem(), "no answer");
  EXPECT_EQ(Told().store().position(), 31u);
  facts_.progress.uploads->num_pending = 0;
  EXPECT_EQ(Told().store().pending_seconds(), 0);
}

class TrainerFactsTest : public LaneFactsTest {
 protected:
  TrainerFactsTest() {
    fleet::v1::Stage& stage = *plan_.add_stages();
    stage.set_name("risk.trainer");
    stage.set_trains("risk");
    plan_.add_lanes()->set_name("risk.trainer[0]");
    facts_.phase = lane::Phase::kRunning;
  }
  fleet::v1::LaneFacts Told(double rate) { return ToProto(facts_, rate, plan_, clock_); }

  fleet::v1::PlanReply plan_;
};

TEST_F(TrainerFactsTest, ATrainerIsBehindFromTenSecondsOn) {
  EXPECT_EQ(Told(0).trainer().model(), "risk");
  EXPECT_FALSE(Told(0).trainer().has_lag_seconds());
  EXPECT_FALSE(Told(0).trainer().behind()) << "what is not known is no alarm";
  facts_.progress.backlog = log::Backlog{12, clock_.UtcMicroseconds() - 10'000'000};
  EXPECT_DOUBLE_EQ(Told(0).trainer().lag_seconds(), 10);
  EXPECT_FALSE(Told(0).trainer().behind());
  facts_.progress.backlog->oldest_us -= 1;
  EXPECT_TRUE(Told(0).trainer().behind());
  facts_.phase = lane::Phase::kFollowing;
  EXPECT_FALSE(Told(0).has_trainer()) << "its owner tells";
}

TEST_F(TrainerFactsTest, ItsCeilingIsJudgedByHowBusyItIs) {
  facts_.busy = 0.25;
  EXPECT_DOUBLE_EQ(Told(1000).trainer().ceiling_rows_per_second(), 4000);
  facts_.busy = 0.01;
  EXPECT_FALSE(Told(1000).trainer().has_ceiling_rows_per_second());
  facts_.busy = 0.25;
  EXPECT_FALSE(Told(0).trainer().has_ceiling_rows_per_second());
  plan_.mutable_stages(0)->clear_trains();
  EXPECT_FALSE(Told(1000).has_trainer());
}

}  // namespace
}  // namespace streamml::control
