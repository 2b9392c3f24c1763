// Two workers over one log: lanes go from one to the other, and the outputs are those of one run.

#include "worker/lane/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/sim/world.h"
#include "tests/support/model_disk.h"
#include "worker/lane/background.h"
#include "worker/log/file/file_log.h"
#include "worker/state/plain_snapshots.h"

namespace streamml::lane {
namespace {

using sim::World;
using support::ModelDisk;
using testing::HasSubstr;

constexpr int64_t kPatienceUs = 60'000'000;

class HostTest : public testing::Test {
 protected:
  void SetUp() override {
    world_ = *World::Make(5, {.num_rows = 3000});
    num_lanes_ = static_cast<uint32_t>(world_->plan().lanes.size());
  }

  // A fresh log on a fresh disk.
  void Begin() {
    hosts_.clear();
    log_ = nullptr;
    disk_ = std::make_unique<ModelDisk>();
    std::vector<std::string> notes;
    log_ = *log::OpenFileLog(*disk_, "data/log", num_lanes_, {}, notes);
  }

  LaneHost& AddWorker() { return AddWorker(absl::StrCat("worker-", hosts_.size())); }
  LaneHost& AddWorker(const std::string& name) {
    LaneFactory factory;
    factory.spec = [this](uint32_t lane, const StopFunction& stop) -> absl::StatusOr<LaneSpec> {
      if (before_spec_) {
        if (absl::Status status = before_spec_(lane); !status.ok()) return status;
      }
      return plan::MakeLaneSpec(world_->plan(), lane, *log_, stop);
    };
    factory.snapshots =
        [this, name](uint32_t lane) -> absl::StatusOr<std::unique_ptr<state::SnapshotStore>> {
      return state::MakePlainSnapshots(*disk_, absl::StrCat(name, "/snapshots-", lane));
    };
    factory.environment = [this, name](state::SnapshotStore& snapshots, StopFunction stop) {
      return LaneEnvironment{*disk_,         *log_, snapshots, *background_,
                             "data",         name,  "test",    world_->plan().job_hash,
                             std::move(stop)};
    };
    RunOptions options;
    options.commit_rows = 50;
    options.snapshot_interval_us = snapshot_interval_us_;
    options.retry_us = 1000;
    hosts_.push_back(std::make_unique<LaneHost>(std::move(factory), *log_, SystemClock(), options,
                                                [](const std::string&) {}));
    return *hosts_.back();
  }

  std::map<uint32_t, Role> All(Role role) const {
    std::map<uint32_t, Role> lanes;
    for (uint32_t lane = 0; lane < num_lanes_; ++lane) lanes[lane] = role;
    return lanes;
  }

  // Waits until all facts of the host satisfy it.
  template <typename Condition>
  bool Await(LaneHost& host, const Condition& condition) {
    const int64_t end = SystemClock().MonotonicMicroseconds() + kPatienceUs;
    while (SystemClock().MonotonicMicroseconds() < end) {
      const uint64_t seen = host.version();
      bool all = true;
      for (const LaneFacts& facts : host.Facts()) {
        if (facts.phase == Phase::kFailed) ADD_FAILURE() << facts.problem;
        all = all && condition(facts);
      }
      if (all || testing::Test::HasFailure()) return all;
      host.AwaitChange(seen, 100'000);
    }
    return false;
  }
  static bool IsFinished(const LaneFacts& facts) { return facts.phase == Phase::kFinished; }
  static bool IsReleased(const LaneFacts& facts) { return facts.phase == Phase::kReleased; }
  static bool IsCaughtUp(const LaneFacts& facts) {
    return facts.caught_up || facts.phase == Phase::kFinished;
  }

  std::map<std::string, std::string> Outputs() {
    std::map<std::string, std::string> outputs;
    for (const std::string& path : disk_->Files()) {
      if (!path.starts_with("data/") || !path.ends_with(".jsonl")) continue;
      const auto file = *disk_->OpenForRead(path);
      EXPECT_TRUE(file->ReadAt(0, *file->Size(), outputs[path]).ok());
    }
    return outputs;
  }

  std::map<std::string, std::string> RunUndisturbed() {
    Begin();
    LaneHost& host = AddWorker();
    EXPECT_TRUE(host.Assign(1, All(Role::kOwn)).ok());
    EXPECT_TRUE(Await(host, IsFinished));
    host.Stop();
    return Outputs();
  }

  // All lanes go from one worker to another again and again, until they have finished.
  int MoveToAndFro() {
    LaneHost* owner = &AddWorker();
    LaneHost* other = &AddWorker();
    uint64_t epoch = 1;
    int num_moves = 0;
    EXPECT_TRUE(owner->Assign(epoch, All(Role::kOwn)).ok());
    for (int round = 0; round < 12; ++round) {
      EXPECT_TRUE(other->Assign(++epoch, All(Role::kFollow)).ok());
      EXPECT_TRUE(Await(*other, IsCaughtUp));
      // In every other round the one that let go stands by, and is warm when it is its turn again.
      const auto then = round % 2 == 0 ? All(Role::kFollow) : std::map<uint32_t, Role>();
      EXPECT_TRUE(owner->Assign(++epoch, then).ok());
      EXPECT_TRUE(Await(*owner, [](const LaneFacts& facts) {
        return facts.phase == Phase::kFollowing || IsReleased(facts);
      }));
      for (const LaneFacts& facts : owner->Facts()) num_moves += facts.progress.finished ? 0 : 1;
      EXPECT_TRUE(other->Assign(++epoch, All(Role::kOwn)).ok());
      std::swap(owner, other);
    }
    EXPECT_TRUE(Await(*owner, IsFinished));
    for (const auto& host : hosts_) host->Stop();
    return num_moves;
  }

  std::function<absl::Status(uint32_t lane)> before_spec_;  // any thread
  int64_t snapshot_interval_us_ = 1000;
  std::unique_ptr<World> world_;
  uint32_t num_lanes_ = 0;
  std::unique_ptr<BackgroundRunner> background_ = MakeThreadRunner();
  std::unique_ptr<ModelDisk> disk_;
  std::unique_ptr<log::Log> log_;
  std::vector<std::unique_ptr<LaneHost>> hosts_;
};

TEST_F(HostTest, LanesThatGoToAndFroGiveTheOutputsOfOneRun) {
  const std::map<std::string, std::string> expected = RunUndisturbed();
  int num_moves = 0;  // of lanes that had not come to their end
  // A busy machine may let all of them finish before the first is moved.
  for (int attempt = 0; attempt < 50 && num_moves == 0; ++attempt) {
    Begin();
    num_moves += MoveToAndFro();
    EXPECT_EQ(Outputs(), expected);
  }
  EXPECT_GT(num_moves, 0);
}

TEST_F(HostTest, AnOutOfDateAssignmentIsRefused) {
  Begin();
  LaneHost& host = AddWorker();
  ASSERT_TRUE(host.Assign(3, {{0, Role::kFollow}}).ok());
  EXPECT_TRUE(host.Assign(3, {{0, Role::kFollow}}).ok());
  EXPECT_THAT(host.Assign(3, {{0, Role::kOwn}}).message(), HasSubstr("has come before"));
  EXPECT_THAT(host.Assign(2, {}).message(), HasSubstr("is out of date"));
}

TEST_F(HostTest, WhoActsOnAnOlderAssignmentDoesNotShutOutTheOwner) {
  Begin();
  LaneHost& owner = AddWorker();
  LaneHost& stale = AddWorker();
  ASSERT_TRUE(owner.Assign(7, {{0, Role::kOwn}}).ok());
  ASSERT_TRUE(Await(owner, IsFinished));
  owner.Stop();
  ASSERT_TRUE(stale.Assign(5, {{0, Role::kOwn}}).ok());
  ASSERT_TRUE(Await(stale, [](const LaneFacts& facts) { return facts.phase == Phase::kWaiting; }));
  EXPECT_THAT(stale.Facts().front().problem.message(), HasSubstr("assignment 5 is out of date"));
}

// They could take the lane from each other for ever; who hears of it can end that.
TEST_F(HostTest, AClaimOfAnotherProcessUnderTheSameAssignmentIsTold) {
  Begin();
  LaneHost& owner = AddWorker();
  LaneHost& copy = AddWorker();
  ASSERT_TRUE(owner.Assign(7, {{0, Role::kOwn}}).ok());
  ASSERT_TRUE(Await(owner, IsFinished));
  EXPECT_EQ(owner.Facts().front().contested_epoch, 0u);
  owner.Stop();
  ASSERT_TRUE(copy.Assign(7, {{0, Role::kOwn}}).ok());
  ASSERT_TRUE(Await(copy, IsFinished));
  EXPECT_EQ(copy.Facts().front().contested_epoch, 7u);
  // A newer assignment is another matter.
  LaneHost& newer = AddWorker();
  copy.Stop();
  ASSERT_TRUE(newer.Assign(8, {{0, Role::kOwn}}).ok());
  ASSERT_TRUE(Await(newer, IsFinished));
  EXPECT_EQ(newer.Facts().front().contested_epoch, 0u);
}

// Its claim stands before the snapshot that the next life starts from.
TEST_F(HostTest, AClaimBeforeTheSnapshotIsHeededAndTold) {
  Begin();
  LaneHost& owner = AddWorker("same");
  ASSERT_TRUE(owner.Assign(7, {{0, Role::kOwn}}).ok());
  ASSERT_TRUE(Await(owner, IsFinished));
  owner.Stop();
  LaneHost& next = AddWorker("same");
  ASSERT_TRUE(next.Assign(5, {{0, Role::kOwn}}).ok());
  ASSERT_TRUE(Await(next, [](const LaneFacts& facts) { return facts.phase == Phase::kWaiting; }));
  EXPECT_THAT(next.Facts().front().problem.message(), HasSubstr("assignment 5 is out of date"));
  EXPECT_EQ(next.Facts().front().progress.claimed_assignment, 7u);
  ASSERT_TRUE(next.Assign(8, {{0, Role::kOwn}}).ok());
  EXPECT_TRUE(Await(next, IsFinished));
}

// It said so anew with each commit of the owner, hundreds of times.
TEST_F(HostTest, WhoKeepsUpWithABusyOwnerStaysCaughtUp) {
  Begin();
  LaneHost& owner = AddWorker();
  LaneHost& follower = AddWorker();
  ASSERT_TRUE(follower.Assign(1, All(Role::kFollow)).ok());
  ASSERT_TRUE(Await(follower, IsCaughtUp));
  ASSERT_TRUE(owner.Assign(2, All(Role::kOwn)).ok());
  ASSERT_TRUE(Await(owner, IsFinished));
  uint64_t num_commits = 0;
  for (const LaneFacts& facts : owner.Facts()) num_commits += facts.progress.num_commits;
  ASSERT_GT(num_commits, 20 * num_lanes_);
  ASSERT_TRUE(Await(follower, IsCaughtUp));
  EXPECT_LT(follower.version(), 10 * num_lanes_) << num_commits << " commits";
}

TEST_F(HostTest, FactsHaveStateSnapshotAndClaim) {
  Begin();
  LaneHost& host = AddWorker();
  ASSERT_TRUE(host.Assign(3, All(Role::kOwn)).ok());
  ASSERT_TRUE(Await(host, IsFinished));
  uint64_t entries = 0;
  for (const LaneFacts& facts : host.Facts()) {
    EXPECT_EQ(facts.progress.claimed_assignment, 3u);
    EXPECT_GT(facts.progress.snapshot_sequence, 0u);
    EXPECT_GT(facts.looked_us, 0);
    entries += facts.progress.num_state_entries;
    ASSERT_TRUE(facts.progress.backlog.has_value()) << "all has been read";
    EXPECT_EQ(facts.progress.backlog->rows, 0u);
  }
  EXPECT_GT(entries, 0u);
}

// Lane 1, which cannot be helped, is the one that waits; lane 0 tells how long.
TEST_F(HostTest, WhatMayPassIsTriedAgainAndWhatCannotIsNot) {
  Begin();
  std::atomic<int> full = 0;
  std::atomic<int> lost = 0;
  before_spec_ = [&](uint32_t lane) -> absl::Status {
    if (lane == 0 && full++ < 6) return absl::ResourceExhaustedError("the disk is full");
    if (lane == 1 && lost++ == 0) return absl::DataLossError("it is gone");
    return absl::OkStatus();
  };
  LaneHost& host = AddWorker();
  ASSERT_TRUE(host.Assign(1, {{0, Role::kOwn}, {1, Role::kOwn}}).ok());
  const auto await = [&](uint32_t lane, const std::set<Phase>& phases) {
    const int64_t end = SystemClock().MonotonicMicroseconds() + kPatienceUs;
    while (!phases.contains(host.Facts()[lane].phase) &&
           SystemClock().MonotonicMicroseconds() < end) {
      host.AwaitChange(host.version(), 10'000);
    }
    return phases.contains(host.Facts()[lane].phase);
  };
  ASSERT_TRUE(await(0, {Phase::kFinished}));
  EXPECT_EQ(full, 7);
  EXPECT_TRUE(await(1, {Phase::kFailed}));
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(host.Facts()[1].problem.message(), "it is gone");
  ASSERT_TRUE(host.Assign(2, {{0, Role::kOwn}, {1, Role::kOwn}}).ok());
  EXPECT_TRUE(await(1, {Phase::kRunning, Phase::kFinished})) << "a person has looked";
}

TEST_F(HostTest, ALaneThatCannotReachTheLogTellsForHowLong) {
  Begin();
  std::atomic<bool> is_away = true;
  before_spec_ = [&is_away](uint32_t) {
    return is_away ? absl::UnavailableError("brokers are away") : absl::OkStatus();
  };
  LaneHost& host = AddWorker();
  ASSERT_TRUE(host.Assign(1, All(Role::kOwn)).ok());
  int64_t longest_us = 0;
  // Longer than the first wait: it is counted since the first attempt and not since the last.
  EXPECT_TRUE(Await(host, [&longest_us](const LaneFacts& facts) {
    longest_us = std::max(longest_us, facts.stalled_us);
    return longest_us > 300'000;
  }));
  is_away = false;
  EXPECT_TRUE(Await(host, IsFinished));
  for (const LaneFacts& facts : host.Facts()) EXPECT_EQ(facts.stalled_us, 0);
}

TEST_F(HostTest, ASnapshotOnDemandIsOfAllThatWasProcessed) {
  snapshot_interval_us_ = int64_t{3600} * 1'000'000;
  Begin();
  LaneHost& host = AddWorker();
  EXPECT_EQ(host.Snapshot({0}, kPatienceUs).status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(host.Assign(1, All(Role::kOwn)).ok());
  ASSERT_TRUE(Await(host, [](const LaneFacts& facts) {
    return facts.phase == Phase::kRunning || IsFinished(facts);
  }));
  const std::vector<LaneFacts> before = host.Facts();
  const auto taken = host.Snapshot({}, kPatienceUs);
  ASSERT_TRUE(taken.ok()) << taken.status();
  ASSERT_EQ(taken->size(), before.size());
  for (size_t i = 0; i < taken->size(); ++i) {
    // The last record of a lane that has ended only tells of its snapshot.
    EXPECT_GE((*taken)[i].sequence + 1, before[i].progress.journal_sequence);
    std::vector<std::string> problems;
    const auto store =
        state::MakePlainSnapshots(*disk_, absl::StrCat("worker-0/snapshots-", (*taken)[i].lane));
    EXPECT_GE(store->List(problems)->front().key.sequence, (*taken)[i].sequence);
  }
  ASSERT_TRUE(Await(host, IsFinished));
  EXPECT_TRUE(host.Snapshot({1}, kPatienceUs).ok()) << "the end of a lane has one";
  host.Stop();
  EXPECT_FALSE(host.Snapshot({1}, kPatienceUs).ok());
}

TEST_F(HostTest, StopLetsGoWithASnapshotThatTheNextLifeStartsFrom) {
  Begin();
  LaneHost& first = AddWorker();
  ASSERT_TRUE(first.Assign(1, {{0, Role::kOwn}}).ok());
  ASSERT_TRUE(Await(first, [](const LaneFacts& facts) { return facts.progress.num_commits > 0; }) ||
              IsFinished(first.Facts().front()));
  first.Stop();
  EXPECT_TRUE(IsReleased(first.Facts().front()));
  EXPECT_FALSE(first.Assign(2, {{0, Role::kOwn}}).ok());
  std::vector<std::string> problems;
  const auto store = state::MakePlainSnapshots(*disk_, "worker-0/snapshots-0");
  EXPECT_FALSE(store->List(problems)->empty());
}

}  // namespace
}  // namespace streamml::lane
