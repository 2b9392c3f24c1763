// Mutants these kill: a worker restarted without end as fast as it dies; a silent worker that keeps
// its lanes; one that is asked to end and asked again; one that still holds lanes ended; a
// coordinator that stood still and acts at once on what it knew, or never again.
#include "worker/cluster/supervise.h"

#include "gtest/gtest.h"

namespace streamml::cluster {
namespace {

constexpr int64_t kNow = 1'000'000'000;

ProcessView Running(int64_t started_us, int64_t heard_us) {
  ProcessView view;
  view.running = true;
  view.started_us = started_us;
  view.heard_us = heard_us;
  view.was_up = heard_us > 0;
  return view;
}

TEST(SuperviseTest, AWantedWorkerIsStartedAtOnceAndAgainLaterAndLater) {
  ProcessView view;
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow), ProcessAct::kStart);
  view.ended_us = kNow;
  view.quick_ends = 1;
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow), ProcessAct::kStart);
  view.quick_ends = 2;
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow), ProcessAct::kNothing);
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow + kMinRestartUs), ProcessAct::kStart);
  view.quick_ends = 4;
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow + 4 * kMinRestartUs - 1), ProcessAct::kNothing);
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow + 4 * kMinRestartUs), ProcessAct::kStart);
  view.quick_ends = 4'000'000'000;
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow + kMaxRestartUs), ProcessAct::kStart);
}

TEST(SuperviseTest, AWorkerWhoseLastLifeStillEndsIsTriedAgainSoon) {
  ProcessView view;
  view.ended_us = kNow;
  view.in_use = true;
  view.quick_ends = 9;
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow), ProcessAct::kNothing);
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow + kMinRestartUs), ProcessAct::kStart);
}

TEST(SuperviseTest, AWorkerThatIsNotWantedEndsOnceItHoldsNothing) {
  ProcessView view = Running(kNow, kNow);
  EXPECT_EQ(NextAct(view, ProcessWish::kLetGoFirst, kNow), ProcessAct::kNothing);
  EXPECT_EQ(NextAct(view, ProcessWish::kEnd, kNow), ProcessAct::kAskToEnd);
  view.asked_us = kNow;
  EXPECT_EQ(NextAct(view, ProcessWish::kEnd, kNow + kEndingUs - 1), ProcessAct::kNothing);
  EXPECT_EQ(NextAct(view, ProcessWish::kEnd, kNow + kEndingUs), ProcessAct::kKill);
  view.running = false;
  EXPECT_EQ(NextAct(view, ProcessWish::kEnd, kNow), ProcessAct::kForget);
  EXPECT_EQ(NextAct(view, ProcessWish::kLetGoFirst, kNow), ProcessAct::kForget);
}

TEST(SuperviseTest, ASilentWorkerLosesItsLanesAndIsKilledLater) {
  const ProcessView view = Running(1, kNow);
  EXPECT_TRUE(IsUp(view, kNow + kSilentUs - 1));
  EXPECT_FALSE(IsUp(view, kNow + kSilentUs));
  EXPECT_FALSE(IsStarting(view, kNow + kSilentUs)) << "nobody waits for it";
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow + kStuckUs - 1), ProcessAct::kNothing);
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow + kStuckUs), ProcessAct::kKill);
}

TEST(SuperviseTest, AWorkerThatKeepsEndingIsShakyForAWhile) {
  ProcessView view = Running(kNow, kNow);
  view.quick_ends = 1;
  EXPECT_FALSE(IsShaky(view, kNow));
  view.quick_ends = 2;
  EXPECT_TRUE(IsShaky(view, kNow));
  view.heard_us = kNow + kSteadyUs;
  EXPECT_FALSE(IsShaky(view, kNow + kSteadyUs));
}

TEST(SuperviseTest, AWorkerIsWaitedForInItsFirstLifeOnly) {
  ProcessView view = Running(kNow, 0);
  EXPECT_TRUE(IsStarting(view, kNow + kStartingUs - 1));
  EXPECT_FALSE(IsStarting(view, kNow + kStartingUs));
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow + kStartingUs), ProcessAct::kKill);
  view.was_up = true;
  EXPECT_FALSE(IsStarting(view, kNow));
  EXPECT_FALSE(IsUp(view, kNow));
}

TEST(SuperviseTest, AWorkerIsCutOffWhileItWaitsForBrokersAndOthersCommit) {
  ProcessView view = Running(1, kNow);
  EXPECT_FALSE(IsCutOff(view, kNow, kNow)) << "it gets on";
  view.stalled_us = kCutOffUs - 1;
  view.least_stalled_us = kAllStalledUs;
  EXPECT_FALSE(IsCutOff(view, kNow, kNow)) << "not for long";
  view.stalled_us = kCutOffUs;
  EXPECT_TRUE(IsCutOff(view, kNow, kNow));
  EXPECT_TRUE(IsCutOff(view, kNow - kFreshUs + 1, kNow));
  EXPECT_FALSE(IsCutOff(view, kNow - kFreshUs, kNow)) << "nobody gets through";
  EXPECT_FALSE(IsCutOff(view, 0, kNow)) << "nobody has ever";
  view.least_stalled_us = kAllStalledUs - 1;
  EXPECT_FALSE(IsCutOff(view, kNow, kNow)) << "another lane of it gets through";
}

TEST(SuperviseTest, WhoStandsStillItselfIsNoWitness) {
  ProcessView view = Running(1, kNow);
  EXPECT_TRUE(GetsThrough(view, kNow));
  view.stalled_us = kAllStalledUs;
  EXPECT_FALSE(GetsThrough(view, kNow));
  view.stalled_us = 0;
  EXPECT_FALSE(GetsThrough(view, kNow + kSilentUs)) << "it does not answer";
}

TEST(SuperviseTest, ACoordinatorThatStoodStillHoldsItAgainstNobody) {
  ProcessView view = Running(kNow - 1, kNow);
  view.committed_us = kNow;
  Excuse(view, kStuckUs);
  EXPECT_TRUE(IsUp(view, kNow + kStuckUs));
  EXPECT_EQ(NextAct(view, ProcessWish::kRun, kNow + kStuckUs), ProcessAct::kNothing);
  EXPECT_EQ(view.asked_us, 0);
  ProcessView ending = Running(kNow - 1, kNow);
  ending.asked_us = kNow;
  Excuse(ending, kEndingUs);
  EXPECT_EQ(NextAct(ending, ProcessWish::kEnd, kNow + kEndingUs), ProcessAct::kNothing);
}

TEST(RoundsTest, OneThatStoodStillListensBeforeItDecides) {
  Rounds rounds;
  EXPECT_EQ(rounds.Begin(kNow), 0);
  EXPECT_EQ(rounds.Begin(kNow + kPauseUs - 1), 0);
  EXPECT_TRUE(rounds.MayDecide(kNow + kPauseUs - 1));
  const int64_t woke = kNow + 5 * kPauseUs;
  EXPECT_EQ(rounds.Begin(woke), woke - (kNow + kPauseUs - 1));
  EXPECT_FALSE(rounds.MayDecide(woke));
  EXPECT_EQ(rounds.Begin(woke + kListenUs - 1), 0);
  EXPECT_FALSE(rounds.MayDecide(woke + kListenUs - 1));
  EXPECT_TRUE(rounds.MayDecide(woke + kListenUs));
}

TEST(RoundsTest, WhereEachRoundIsSlowEveryOtherOneDecides) {
  Rounds rounds;
  int decided = 0;
  for (int64_t now = kNow; now < kNow + 20 * kPauseUs; now += 2 * kPauseUs) {
    rounds.Begin(now);
    decided += rounds.MayDecide(now) ? 1 : 0;
  }
  EXPECT_GE(decided, 5);
}

}  // namespace
}  // namespace streamml::cluster
