// Snapshots in the background: the lane goes on meanwhile, hears of the end, and waits where it
// must. The simulator crashes it at every step.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/status.h"
#include "tests/sim/seeded_background.h"
#include "tests/sim/world.h"
#include "tests/support/model_disk.h"
#include "worker/lane/lane.h"
#include "worker/log/file/file_log.h"
#include "worker/state/plain_snapshots.h"

namespace streamml::sim {
namespace {

using support::DiskAction;
using support::DiskOperation;
using testing::HasSubstr;

TEST(ThreadRunnerTest, WhatATaskDidIsSeenOnceItIsDone) {
  const auto runner = lane::MakeThreadRunner();
  int result = 0;
  const auto pending = runner->Start([&result] { result = 7; });
  while (!pending->done()) std::this_thread::yield();
  EXPECT_EQ(result, 7);
  pending->Wait();
  pending->Wait();
}

TEST(ThreadRunnerTest, WaitingAndLettingGoBothAwaitTheEnd) {
  const auto runner = lane::MakeThreadRunner();
  for (int i = 0; i < 20; ++i) {
    int result = 0;
    auto pending = runner->Start([&result] { result = 1; });
    if (i % 2 == 0) {
      pending->Wait();
      EXPECT_TRUE(pending->done());
    } else {
      pending.reset();
    }
    EXPECT_EQ(result, 1);
  }
}

// The first lane of a job, which reads files, with snapshots that are saved when the test says so.
class BackgroundSnapshotTest : public testing::Test {
 protected:
  void SetUp() override {
    world_ = *World::Make(5, {});
    std::vector<std::string> notes;
    log_ = *log::OpenFileLog(disk_, "data/log", static_cast<uint32_t>(world_->plan().lanes.size()),
                             {}, notes);
    const lane::LaneEnvironment environment{disk_,  *log_,  *store_, background_,
                                            "data", "test", "test",  world_->plan().job_hash};
    lane_ = *lane::Lane::Open(*plan::MakeLaneSpec(world_->plan(), 0, *log_), environment, notes);
    ASSERT_TRUE(lane_->Claim().ok());
  }
  void AdvanceAndCommit() {
    ASSERT_TRUE(lane_->Advance(20).ok());
    ASSERT_TRUE(lane_->Commit().ok());
  }
  std::vector<uint64_t> Stored() {
    std::vector<std::string> problems;
    std::vector<uint64_t> sequences;
    const auto infos = store_->List(problems);
    EXPECT_TRUE(infos.ok()) << infos.status();
    if (!infos.ok()) return sequences;
    for (const state::SnapshotInfo& info : *infos) sequences.push_back(info.key.sequence);
    return sequences;
  }

  std::unique_ptr<World> world_;
  support::ModelDisk disk_;
  SeededBackground background_;
  std::unique_ptr<state::SnapshotStore> store_ = state::MakePlainSnapshots(disk_, "data/snapshots");
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<lane::Lane> lane_;
};

TEST_F(BackgroundSnapshotTest, CommitsGoOnAndTheSnapshotIsOfTheMomentItWasAskedFor) {
  AdvanceAndCommit();
  const uint64_t asked = lane_->journal_sequence();
  ASSERT_TRUE(lane_->StartSnapshot().ok());
  AdvanceAndCommit();
  AdvanceAndCommit();
  EXPECT_TRUE(lane_->snapshot_under_way());
  EXPECT_EQ(lane_->journal_sequence(), asked + 2);
  EXPECT_TRUE(Stored().empty());
  background_.RunOldest();
  EXPECT_THAT(Stored(), testing::ElementsAre(asked));
  EXPECT_EQ(lane_->snapshot_sequence(), 0u);
  AdvanceAndCommit();
  EXPECT_EQ(lane_->snapshot_sequence(), asked);
  EXPECT_FALSE(lane_->snapshot_under_way());
}

TEST_F(BackgroundSnapshotTest, OneAtATime) {
  AdvanceAndCommit();
  const uint64_t asked = lane_->journal_sequence();
  ASSERT_TRUE(lane_->StartSnapshot().ok());
  AdvanceAndCommit();
  ASSERT_TRUE(lane_->StartSnapshot().ok());
  background_.RunOldest();
  EXPECT_FALSE(background_.has_work());
  EXPECT_THAT(Stored(), testing::ElementsAre(asked));
}

TEST_F(BackgroundSnapshotTest, AStopWaitsAndTakesTheLastOne) {
  AdvanceAndCommit();
  ASSERT_TRUE(lane_->StartSnapshot().ok());
  AdvanceAndCommit();
  const uint64_t last = lane_->journal_sequence();
  ASSERT_TRUE(lane_->Stop().ok());
  EXPECT_EQ(lane_->snapshot_sequence(), last);
  EXPECT_EQ(Stored().front(), last);
  EXPECT_FALSE(lane_->snapshot_under_way());
}

TEST_F(BackgroundSnapshotTest, AFailureIsAnErrorOfTheLaneAndNothingIsCommittedAfterIt) {
  AdvanceAndCommit();
  ASSERT_TRUE(lane_->StartSnapshot().ok());
  disk_.SetHook([](const DiskOperation& operation) {
    return operation.path.find("snapshots") != std::string_view::npos ? DiskAction::kFull
                                                                      : DiskAction::kProceed;
  });
  background_.RunOldest();
  const uint64_t before = lane_->journal_sequence();
  const absl::Status status = lane_->Advance(20).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(lane_->spec().name + ": snapshot: "));
  EXPECT_FALSE(lane_->input_failed());
  ASSERT_TRUE(lane_->Advance(20).ok());
  EXPECT_FALSE(lane_->Commit().ok());
  EXPECT_EQ(lane_->journal_sequence(), before);
}

}  // namespace
}  // namespace streamml::sim
