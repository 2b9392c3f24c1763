// Two coordinators that do not know of each other work for one job, each with workers of its own,
// and meet only in the claims of the journals. Mutants these kill: nobody gives way, so that lanes
// are taken to and fro for ever; both give way; the one that began later gives way to what it
// finds.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "job/decide/fleet.h"
#include "tests/support/random.h"

namespace streamml::decide {
namespace {

constexpr uint32_t kNumLanes = 5;

// What the journals say of a lane.
struct Claim {
  uint64_t epoch = 0;
  int side = -1;
  std::string worker;
  friend bool operator==(const Claim&, const Claim&) = default;
};

class Rivals {
 public:
  explicit Rivals(uint64_t seed) : random_(seed) {}

  // A coordinator with an empty folder.
  void Begin(int side) {
    Side& begun = sides_[side];
    begun.wanted.epochs = {1000, 2 * random_.Below(499) + static_cast<uint64_t>(side)};
    for (uint32_t lane = 0; lane < kNumLanes; ++lane) begun.wanted.lanes.push_back({lane, 0, 1});
    for (const char* name : {"w0", "w1"}) begun.wanted.workers.insert(name);
    begun.works = true;
  }

  // One step of a coordinator: what it sends arrives, or not yet.
  void Step(int side) {
    Side& mine = sides_[side];
    if (!mine.works) return;
    const FleetStep step = NextStep(mine.wanted, mine.state, Look(side), 0);
    mine.settled = step.settled;
    mine.state = step.state;
    if (step.rival.has_value()) return End(side);
    for (const std::string& name : step.send) {
      if (!random_.OneIn(3)) mine.told[name] = mine.state.workers.at(name);
    }
  }

  // A lane of some worker that it was given, and has not got, looks into its journal: it gives up
  // before a claim with a higher epoch, and else takes the lane.
  void GetOn(int side) {
    Side& mine = sides_[side];
    for (const auto& [name, roles] : mine.told) {
      const auto lane = static_cast<uint32_t>(random_.Below(kNumLanes));
      const auto role = roles.lanes.find(lane);
      if (!mine.works || role == roles.lanes.end()) continue;
      Claim& claim = claims_[lane];
      const bool is_ours = claim == Claim{claim.epoch, side, name};
      if (role->second == LaneRole::kOwn && !is_ours && claim.epoch <= roles.epoch) {
        claim = {roles.epoch, side, name};
        ++num_claims_;
      }
      mine.known[{name, lane}] = claim.epoch;
    }
  }

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const int side = static_cast<int>(random_.Below(2));
      if (random_.OneIn(2)) {
        Step(side);
      } else {
        GetOn(side);
      }
    }
  }
  bool works(int side) { return sides_[side].works; }
  bool settled(int side) { return sides_[side].settled; }
  int num_claims() const { return num_claims_; }

 private:
  struct Side {
    bool works = false;
    bool settled = false;
    Wanted wanted;
    FleetState state;
    std::map<std::string, WorkerRoles> told;
    std::map<std::pair<std::string, uint32_t>, uint64_t> known;  // by worker and lane
  };

  Observed Look(int side) {
    const Side& mine = sides_[side];
    Observed observed;
    for (const std::string& name : mine.wanted.workers) {
      SeenWorker& seen = observed.up[name];
      const auto told = mine.told.find(name);
      if (told == mine.told.end()) continue;
      seen.epoch = told->second.epoch;
      for (const auto& [lane, role] : told->second.lanes) {
        const Claim& claim = claims_[lane];
        const bool is_ours = claim == Claim{claim.epoch, side, name};
        seen.lanes[lane] = is_ours                     ? SeenLane::kRunning
                           : role == LaneRole::kFollow ? SeenLane::kCaughtUp
                                                       : SeenLane::kOther;
        const auto known = mine.known.find({name, lane});
        if (known != mine.known.end()) seen.claims[lane] = known->second;
      }
    }
    return observed;
  }

  void End(int side) {
    sides_[side].works = sides_[side].settled = false;
    sides_[side].told.clear();
  }

  support::Random random_;
  std::map<int, Side> sides_;
  std::map<uint32_t, Claim> claims_;
  int num_claims_ = 0;
};

TEST(RivalsTest, TheOneThatBeganLaterHasTheJob) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Rivals rivals(seed);
    rivals.Begin(0);
    rivals.Run(400);
    ASSERT_TRUE(rivals.settled(0));
    rivals.Begin(1);
    rivals.Run(2000);
    EXPECT_FALSE(rivals.works(0));
    EXPECT_TRUE(rivals.settled(1));
    EXPECT_LT(rivals.num_claims(), 60);
  }
}

TEST(RivalsTest, OfTwoThatBeginTogetherOneHasTheJob) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Rivals rivals(seed);
    rivals.Begin(0);
    rivals.Begin(1);
    rivals.Run(4000);
    EXPECT_NE(rivals.works(0), rivals.works(1));
    EXPECT_TRUE(rivals.settled(0) || rivals.settled(1));
  }
}

}  // namespace
}  // namespace streamml::decide
