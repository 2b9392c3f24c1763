// Laws of assignment, over random fleets. Mutants these kill: a lane moved although its worker was
// not too full; the emptiest worker taken by name only; a standby on the owner; a result that
// depends on the order of arguments; an orphan that ignores its standby.
#include "job/decide/assign.h"

#include <algorithm>
#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/random.h"

namespace streamml::decide {
namespace {

std::vector<LaneWeight> Lanes(uint32_t count, uint32_t num_stages = 1) {
  std::vector<LaneWeight> lanes;
  for (uint32_t i = 0; i < count; ++i) lanes.push_back({i, i * num_stages / count, 1});
  return lanes;
}

std::vector<std::string> Workers(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back("w" + std::to_string(i));
  return names;
}

std::map<std::string, size_t> Counts(const Assignment& assignment,
                                     const std::vector<std::string>& workers,
                                     std::string Placement::* who) {
  std::map<std::string, size_t> counts;
  for (const std::string& worker : workers) counts[worker] = 0;
  for (const auto& [lane, placement] : assignment) {
    if (!(placement.*who).empty()) ++counts[placement.*who];
  }
  return counts;
}

size_t Spread(const std::map<std::string, size_t>& counts) {
  size_t low = SIZE_MAX;
  size_t high = 0;
  for (const auto& [worker, count] : counts) {
    low = std::min(low, count);
    high = std::max(high, count);
  }
  return high - low;
}

size_t Moves(const Assignment& before, const Assignment& after,
             const std::vector<std::string>& workers) {
  size_t moves = 0;
  for (const auto& [lane, placement] : before) {
    const bool alive = std::find(workers.begin(), workers.end(), placement.owner) != workers.end();
    if (alive && after.at(lane).owner != placement.owner) ++moves;
  }
  return moves;
}

// Of all assignments whose numbers are within one of each other: everybody keeps what it has up to
// its share, and the larger shares go to the fullest.
size_t FewestMoves(const Assignment& before, const std::vector<std::string>& workers,
                   size_t num_lanes) {
  std::vector<size_t> counts;
  for (const auto& [name, count] : Counts(before, workers, &Placement::owner)) {
    if (std::find(workers.begin(), workers.end(), name) != workers.end()) counts.push_back(count);
  }
  std::sort(counts.rbegin(), counts.rend());
  size_t moves = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const size_t share = num_lanes / workers.size() + (i < num_lanes % workers.size() ? 1 : 0);
    if (counts[i] > share) moves += counts[i] - share;
  }
  return moves;
}

Assignment RandomAssignment(support::Random& random, uint32_t num_lanes, size_t num_workers) {
  Assignment assignment;
  for (uint32_t lane = 0; lane < num_lanes; ++lane) {
    if (random.Below(5) == 0) continue;
    assignment[lane].owner = "w" + std::to_string(random.Below(num_workers));
  }
  return assignment;
}

TEST(AssignTest, SpreadsLanesOfEachStage) {
  const Assignment assignment = Assign(Lanes(8, 2), Workers(4), {}, Standby::kNone);
  for (const auto& [worker, count] : Counts(assignment, Workers(4), &Placement::owner)) {
    EXPECT_EQ(count, 2u) << worker;
  }
  for (uint32_t lane = 0; lane < 4; ++lane) {
    EXPECT_NE(assignment.at(lane).owner, assignment.at((lane + 1) % 4).owner);
  }
}

TEST(AssignTest, IsBalancedWithTheFewestMovesAndStable) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(seed);
    support::Random random(seed);
    const auto num_lanes = static_cast<uint32_t>(1 + random.Below(24));
    const size_t num_workers = 1 + random.Below(6);
    const auto lanes = Lanes(num_lanes, static_cast<uint32_t>(1 + random.Below(3)));
    const Assignment before = RandomAssignment(random, num_lanes, 7);
    const std::vector<std::string> workers = Workers(num_workers);
    const Assignment after = Assign(lanes, workers, before, Standby::kNone);
    ASSERT_EQ(after.size(), num_lanes);
    EXPECT_LE(Spread(Counts(after, workers, &Placement::owner)), 1u);
    EXPECT_EQ(Moves(before, after, workers), FewestMoves(before, workers, num_lanes));
    EXPECT_EQ(Assign(lanes, workers, after, Standby::kNone), after);
    auto turned_lanes = lanes;
    auto turned_workers = workers;
    std::reverse(turned_lanes.begin(), turned_lanes.end());
    std::reverse(turned_workers.begin(), turned_workers.end());
    EXPECT_EQ(Assign(turned_lanes, turned_workers, before, Standby::kNone), after);
  }
}

TEST(AssignTest, StandbysAreOthersBalancedAndStable) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(seed);
    support::Random random(seed);
    const auto num_lanes = static_cast<uint32_t>(1 + random.Below(24));
    const std::vector<std::string> workers = Workers(2 + random.Below(5));
    const auto lanes = Lanes(num_lanes, 2);
    const Assignment before = RandomAssignment(random, num_lanes, 6);
    const Assignment after = Assign(lanes, workers, before, Standby::kEach);
    for (const auto& [lane, placement] : after) {
      EXPECT_NE(placement.standby, placement.owner);
      EXPECT_FALSE(placement.standby.empty());
    }
    // Two workers are each other's standby; with more there is a choice.
    EXPECT_LE(Spread(Counts(after, workers, &Placement::standby)), 1u + (num_lanes > 1 ? 1u : 0u));
    EXPECT_EQ(Assign(lanes, workers, after, Standby::kEach), after);
  }
}

TEST(AssignTest, ALaneWhoseOwnerIsGoneGoesToItsStandby) {
  const auto lanes = Lanes(3);
  const Assignment before = {{0, {"w0", "w1"}}, {1, {"w1", "w2"}}, {2, {"w2", "w1"}}};
  const Assignment after = Assign(lanes, {"w1", "w2"}, before, Standby::kEach);
  EXPECT_EQ(after.at(0), (Placement{"w1", "w2"}));
  EXPECT_EQ(after.at(1), (Placement{"w1", "w2"}));
  EXPECT_EQ(after.at(2), (Placement{"w2", "w1"}));
}

TEST(AssignTest, OneWorkerHasNoStandbyAndNoWorkerHasNothing) {
  const Assignment alone = Assign(Lanes(2), {"w0"}, {}, Standby::kEach);
  EXPECT_EQ(alone.at(1), (Placement{"w0", ""}));
  const Assignment nobody = Assign(Lanes(2), {}, alone, Standby::kEach);
  EXPECT_EQ(nobody.at(0), (Placement{"", ""}));
}

TEST(AssignTest, WeightsDecideAndNoSingleMoveWouldHelp) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    support::Random random(seed);
    std::vector<LaneWeight> lanes = Lanes(static_cast<uint32_t>(1 + random.Below(20)));
    for (LaneWeight& lane : lanes) lane.weight = 0.25 * static_cast<double>(1 + random.Below(40));
    const std::vector<std::string> workers = Workers(1 + random.Below(5));
    const Assignment after =
        Assign(lanes, workers, RandomAssignment(random, 20, 6), Standby::kNone);
    std::map<std::string, double> loads;
    for (const std::string& worker : workers) loads[worker] = 0;
    for (const LaneWeight& lane : lanes) loads[after.at(lane.lane).owner] += lane.weight;
    for (const LaneWeight& lane : lanes) {
      const double own = loads[after.at(lane.lane).owner];
      for (const auto& [worker, load] : loads) {
        EXPECT_FALSE(load + lane.weight < own) << "lane " << lane.lane << " to " << worker;
      }
    }
  }
}

TEST(AssignTest, SenselessWeightsCountAsOne) {
  std::vector<LaneWeight> lanes = Lanes(4);
  lanes[0].weight = 0;
  lanes[1].weight = -3;
  lanes[2].weight = std::nan("");
  lanes[3].weight = INFINITY;
  const Assignment after = Assign(lanes, Workers(2), {}, Standby::kNone);
  EXPECT_EQ(Spread(Counts(after, Workers(2), &Placement::owner)), 0u);
}

}  // namespace
}  // namespace streamml::decide
