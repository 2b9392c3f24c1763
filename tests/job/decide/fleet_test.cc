// The pure coordinator over a model of workers. Mutants these kill: the owner let go before the
// target follows; the target told to own before the owner let go; an epoch used twice; a lane left
// with a dead worker; a failover to a cold worker although one is warm; a plan that changes when
// nothing did; what was durable forgotten; claims in journals not heeded; two coordinators
// that go above each other for ever; two processes with one assignment left to each other.
#include "job/decide/fleet.h"

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/job/decide/fleet_world.h"

namespace streamml::decide {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Wanted TwoLanes(std::set<std::string> workers, Standby standby = Standby::kNone) {
  return {{{0, 0, 1}, {1, 0, 1}}, std::move(workers), standby};
}

FleetState OneHasBoth() {
  FleetState state;
  state.epoch = 4;
  state.workers["a"] = {4, {{0, LaneRole::kOwn}, {1, LaneRole::kOwn}}};
  state.plan = {{0, {"a", ""}}, {1, {"a", ""}}};
  return state;
}

SeenWorker Running(uint64_t epoch, std::initializer_list<uint32_t> lanes) {
  SeenWorker worker{epoch, {}};
  for (const uint32_t lane : lanes) worker.lanes[lane] = SeenLane::kRunning;
  return worker;
}

TEST(FleetTest, AHandOffTakesItsStepsInOrder) {
  const Wanted wanted = TwoLanes({"a", "b"});
  Observed observed{{{"a", Running(4, {0, 1})}, {"b", {}}}, {}};

  FleetStep step = NextStep(wanted, OneHasBoth(), observed, 0);
  EXPECT_THAT(step.send, ElementsAre("b"));
  EXPECT_EQ(step.state.epoch, 5u);
  EXPECT_EQ(step.state.workers.at("b").lanes,
            (std::map<uint32_t, LaneRole>{{0, LaneRole::kFollow}}));
  EXPECT_EQ(step.state.workers.at("a").epoch, 4u) << "told nothing new";

  observed.up["b"] = {5, {{0, SeenLane::kOther}}};
  step = NextStep(wanted, step.state, observed, 0);
  EXPECT_THAT(step.send, IsEmpty());
  EXPECT_FALSE(step.settled);

  observed.up["b"].lanes[0] = SeenLane::kCaughtUp;
  step = NextStep(wanted, step.state, observed, 0);
  EXPECT_THAT(step.send, ElementsAre("a"));
  EXPECT_FALSE(step.state.workers.at("a").lanes.contains(0));
  EXPECT_EQ(step.state.leaving.at(0).worker, "a");

  observed.up["a"].epoch = 6;  // it has accepted, but still runs the lane
  step = NextStep(wanted, step.state, observed, 0);
  EXPECT_THAT(step.send, IsEmpty());

  observed.up["a"].lanes.erase(0);
  step = NextStep(wanted, step.state, observed, 0);
  EXPECT_THAT(step.send, ElementsAre("b"));
  EXPECT_EQ(step.state.workers.at("b"), (WorkerRoles{7, {{0, LaneRole::kOwn}}}));
  EXPECT_THAT(step.state.leaving, IsEmpty());

  observed.up["b"] = Running(7, {0});
  step = NextStep(wanted, step.state, observed, 0);
  EXPECT_TRUE(step.settled);
  EXPECT_EQ(step.state, NextStep(wanted, step.state, observed, 99).state);
}

TEST(FleetTest, AWorkerWhoseAssignmentAnotherProcessUsesGetsANewerOne) {
  const Wanted wanted = TwoLanes({"a"});
  FleetState state = OneHasBoth();
  Observed observed{{{"a", Running(4, {0, 1})}}, {}};
  observed.up["a"].contested = 4;
  const FleetStep step = NextStep(wanted, state, observed, 0);
  EXPECT_THAT(step.send, ElementsAre("a"));
  EXPECT_EQ(step.state.workers.at("a").epoch, 5u);
  EXPECT_EQ(step.state.workers.at("a").lanes, state.workers.at("a").lanes);
  observed.up["a"].epoch = 5;
  EXPECT_THAT(NextStep(wanted, step.state, observed, 0).send, IsEmpty()) << "it was told once";
}

TEST(FleetTest, AnOwnerThatDoesNotLetGoIsFencedAtLast) {
  const Wanted wanted = TwoLanes({"a", "b"});
  FleetState state = OneHasBoth();
  state.workers["a"].lanes.erase(0);
  state.leaving[0] = {"a", 4, 1000};
  state.plan[0].owner = "b";
  const Observed observed{{{"a", Running(4, {0, 1})}, {"b", {}}}, {}};
  EXPECT_THAT(NextStep(wanted, state, observed, 1000 + kReleaseTimeoutUs - 1).send, IsEmpty());
  const FleetStep step = NextStep(wanted, state, observed, 1000 + kReleaseTimeoutUs);
  EXPECT_THAT(step.send, ElementsAre("b"));
  EXPECT_EQ(step.events.front().kind, FleetEvent::Kind::kOverdue);
}

TEST(FleetTest, LanesOfALostWorkerGoToTheirStandbyAtOnce) {
  Wanted wanted = TwoLanes({"a", "b", "c"}, Standby::kEach);
  FleetState state = OneHasBoth();
  state.workers["b"] = {4, {{0, LaneRole::kFollow}, {1, LaneRole::kFollow}}};
  state.plan = {{0, {"a", "b"}}, {1, {"a", "b"}}};
  Observed observed;
  observed.up["b"] = {4, {{0, SeenLane::kCaughtUp}, {1, SeenLane::kCaughtUp}}};
  observed.up["c"] = {};
  const FleetStep step = NextStep(wanted, state, observed, 0);
  // Although the plan wants one of them at the emptier worker.
  EXPECT_EQ(step.state.workers.at("b").lanes,
            (std::map<uint32_t, LaneRole>{{0, LaneRole::kOwn}, {1, LaneRole::kOwn}}));
  EXPECT_THAT(step.state.workers.at("a").lanes, IsEmpty());
  EXPECT_EQ(step.events.front().kind, FleetEvent::Kind::kFailover);
  EXPECT_EQ(step.events.front().from, "a");
}

TEST(FleetTest, AWorkerThatComesBackWithAStaleAssignmentIsToldTheNewOne) {
  const Wanted wanted = TwoLanes({"a", "b"});
  FleetState state;
  state.epoch = 6;
  state.workers["a"] = {6, {}};
  state.workers["b"] = {6, {{0, LaneRole::kOwn}, {1, LaneRole::kOwn}}};
  const Observed observed{{{"a", Running(4, {0, 1})}, {"b", Running(6, {0, 1})}}, {}};
  EXPECT_THAT(NextStep(wanted, state, observed, 0).send, ElementsAre("a"));
}

TEST(FleetTest, ACoordinatorThatLostItsFolderGoesAboveTheEpochsThatWorkersKnow) {
  const Wanted wanted = TwoLanes({"a"});
  const Observed observed{{{"a", Running(41, {0, 1})}}, {}};
  const FleetStep step = NextStep(wanted, FleetState{}, observed, 0);
  EXPECT_EQ(step.state.epoch, 42u);
  EXPECT_THAT(step.send, ElementsAre("a"));
  EXPECT_EQ(step.state.workers.at("a").lanes.size(), 2u);
}

// Coordinator and workers have lost all that they kept; the journals have not.
TEST(FleetTest, ACoordinatorGoesAboveTheEpochsThatLanesWereClaimedWith) {
  const Wanted wanted = TwoLanes({"a", "b"});
  FleetStep step = NextStep(wanted, FleetState{}, {{{"a", {}}, {"b", {}}}, {}}, 0);
  EXPECT_EQ(step.state.epoch, 1u);
  Observed observed{{{"a", {1, {{0, SeenLane::kOther}}, {{0, 57}}}}, {"b", Running(1, {1})}}, {}};
  step = NextStep(wanted, step.state, observed, 0);
  EXPECT_EQ(step.state.workers.at("a").epoch, 58u);
  EXPECT_EQ(step.state.workers.at("b").epoch, 1u) << "its lane has no later claim";
  EXPECT_THAT(step.send, ElementsAre("a"));
  EXPECT_FALSE(step.settled);
  observed.up["a"] = Running(58, {0});
  observed.up["a"].claims[0] = 58;
  observed.up["b"].claims[1] = 1;
  const FleetStep settled = NextStep(wanted, step.state, observed, 0);
  EXPECT_TRUE(settled.settled);
  EXPECT_EQ(settled.state.epoch, 58u);
}

TEST(FleetTest, AClaimThatOnlyAnotherWorkerSawCountsToo) {
  const Wanted wanted{{{0, 0, 1}}, {"a", "b"}, Standby::kEach};
  FleetState state;
  state.epoch = 4;
  state.workers["a"] = {4, {{0, LaneRole::kOwn}}};
  state.workers["b"] = {4, {{0, LaneRole::kFollow}}};
  state.plan = {{0, {"a", "b"}}};
  Observed observed;
  observed.up["a"] = {4, {{0, SeenLane::kOther}}};
  observed.up["b"] = {4, {{0, SeenLane::kCaughtUp}}};
  EXPECT_EQ(NextStep(wanted, state, observed, 0).state, state);
  observed.up["b"].claims[0] = 9;
  const FleetStep step = NextStep(wanted, state, observed, 0);
  EXPECT_THAT(step.send, ElementsAre("a"));
  EXPECT_EQ(step.state.workers.at("a").epoch, 10u);
}

TEST(FleetTest, EpochsOfTwoCoordinatorsAreNeverEqual) {
  Wanted wanted = TwoLanes({"a"});
  std::set<uint64_t> given;
  for (const uint64_t remainder : {7, 8}) {
    wanted.epochs = {10, remainder};
    FleetState state;
    for (const uint64_t seen : {0, 3, 7, 9, 28, 29}) {
      const Observed observed{{{"a", {seen, {}}}}, {}};
      const FleetStep step = NextStep(wanted, state, observed, 0);
      EXPECT_GE(step.state.epoch, seen);
      EXPECT_LE(step.state.epoch, std::max(seen, state.epoch) + 10);
      EXPECT_EQ(step.state.epoch % 10, remainder);
      EXPECT_TRUE(given.insert(step.state.epoch).second || step.state.epoch == state.epoch);
      state = step.state;
    }
  }
}

// Two of a job: each goes above the other's claims, for ever, unless one of them sees that a lane
// which was its own is claimed with an epoch that it never gave out.
TEST(FleetTest, ACoordinatorWhoseLaneIsTakenByAnotherOneSaysSoAndDoesNothing) {
  const Wanted wanted = TwoLanes({"a"});
  Observed observed{{{"a", Running(4, {0, 1})}}, {}};
  observed.up["a"].claims = {{0, 4}, {1, 4}};
  FleetStep step = NextStep(wanted, OneHasBoth(), observed, 0);
  EXPECT_FALSE(step.rival.has_value());
  EXPECT_TRUE(step.settled);
  const FleetState before = step.state;
  observed.up["a"].lanes[1] = SeenLane::kOther;
  observed.up["a"].claims[1] = 5;
  step = NextStep(wanted, before, observed, 0);
  ASSERT_TRUE(step.rival.has_value());
  EXPECT_EQ(step.rival->lane, 1u);
  EXPECT_EQ(step.rival->epoch, 5u);
  EXPECT_EQ(step.state, before);
  EXPECT_THAT(step.send, IsEmpty());
  EXPECT_FALSE(step.settled);
}

TEST(FleetTest, ACoordinatorThatBeginsIsNoRivalOfTheClaimsThatItFinds) {
  Wanted wanted = TwoLanes({"a"});
  wanted.epochs = {10, 3};
  Observed observed{{{"a", {1, {{0, SeenLane::kOther}}, {{0, 57}}}}}, {}};
  FleetStep step = NextStep(wanted, FleetState{}, observed, 0);
  EXPECT_FALSE(step.rival.has_value());
  EXPECT_EQ(step.state.epoch, 63u);
  // A worker that goes on with what another coordinator told it makes a lane nobody's of ours.
  observed.up["a"] = Running(57, {0, 1});
  observed.up["a"].claims = {{0, 57}, {1, 57}};
  step = NextStep(wanted, step.state, observed, 0);
  EXPECT_THAT(step.state.ours, IsEmpty());
}

TEST(FleetTest, WithoutAnyWorkerNothingIsForgotten) {
  const FleetStep step = NextStep(TwoLanes({"a"}), OneHasBoth(), Observed{}, 0);
  EXPECT_EQ(step.state, OneHasBoth());
  EXPECT_FALSE(step.settled);
}

TEST(FleetTest, AWorkerThatIsNotWantedIsSpareOnceItHoldsNothing) {
  FleetState state;
  state.epoch = 6;
  state.workers["a"] = {6, {{0, LaneRole::kOwn}, {1, LaneRole::kOwn}}};
  state.workers["b"] = {6, {}};
  Observed observed{{{"a", Running(6, {0, 1})}, {"b", Running(6, {1})}}, {}};
  EXPECT_THAT(NextStep(TwoLanes({"a"}), state, observed, 0).spare, IsEmpty());
  observed.up["b"].lanes.clear();
  EXPECT_THAT(NextStep(TwoLanes({"a"}), state, observed, 0).spare, ElementsAre("b"));
}

// Everything that can happen, in any order; then it must come to rest where it shall.
TEST(FleetTest, ComesToRestWhateverHappened) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    support::Random random(seed);
    const auto num_lanes = static_cast<uint32_t>(1 + random.Below(7));
    FleetWorld world(num_lanes, random.OneIn(2) ? Standby::kEach : Standby::kNone, seed);
    size_t num_workers = 1 + random.Below(4);
    world.Resize(num_workers);
    for (int event = 0; event < 150; ++event) {
      const std::string name = absl::StrCat("w", random.Below(num_workers));
      switch (random.Below(14)) {
        case 0:
          num_workers = 1 + random.Below(4);
          world.Resize(num_workers);
          break;
        case 1:
          world.Kill(name);
          break;
        case 2:
          world.SetSilent(name, true);
          break;
        case 3:
          world.SetSilent(name, false);
          break;
        case 4:
          world.RestartCoordinator();
          break;
        case 5:
          world.Wait(kReleaseTimeoutUs);
          break;
        case 6:
        case 7:
          world.ComeBack(name);
          break;
        default:
          world.GetOn();
      }
      world.Step();
      ASSERT_EQ(world.violation(), "");
    }
    for (const std::string& name : world.names()) {
      world.SetSilent(name, false);
      world.ComeBack(name);
    }
    ASSERT_TRUE(world.Settle()) << world.violation();
    for (uint32_t lane = 0; lane < num_lanes; ++lane) {
      EXPECT_EQ(world.RunningAt(lane).size(), 1u) << "lane " << lane;
    }
    const FleetState rest = world.state();
    EXPECT_TRUE(world.Step().settled);
    EXPECT_EQ(world.state(), rest);
  }
}

}  // namespace
}  // namespace streamml::decide
