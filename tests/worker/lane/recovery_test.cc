// What recovery refuses, what it goes around, and that it deletes nothing before all has gone well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "tests/sim/process.h"
#include "tests/sim/world.h"
#include "worker/lane/internal/digest_bytes.h"
#include "worker/log/file/file_log.h"
#include "worker/state/plain_snapshots.h"

namespace streamml::sim {
namespace {

using support::ModelDisk;
using support::Random;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr uint64_t kMaxActions = 100'000;

class RecoveryTest : public testing::Test {
 protected:
  void SetUp() override {
    WorldOptions options;
    options.num_rows = 200;
    auto world = World::Make(1, options);
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
  }
  // Opens what the disk holds and runs to the end, or for so many actions and an orderly stop.
  absl::Status Run(uint64_t num_actions = kMaxActions) {
    Random random(7);
    Process process(*world_, disk_, random);
    absl::Status status = process.Start();
    for (uint64_t i = 0; status.ok() && i < num_actions && !process.finished(); ++i) {
      status = process.Act();
    }
    if (status.ok() && !process.finished()) status = process.StopAll();
    if (status.ok()) outcome_ = process.Collect();
    notes_ = process.notes();
    return status;
  }
  std::string Content(const std::string& path) {
    const auto content = ReadWhole(disk_, path);
    return content.ok() ? *content : "";
  }
  void WriteFile(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(disk_.MakeDirectories(ParentDirectory(path)).ok());
    const auto file = disk_.OpenForAppend(path);
    ASSERT_TRUE(file.ok() && (*file)->Append(bytes).ok() && (*file)->Sync().ok());
    ASSERT_TRUE(disk_.SyncDirectory(ParentDirectory(path)).ok());
  }
  std::vector<std::string> Snapshots(size_t lane) const {
    std::vector<std::string> paths;
    for (const std::string& path : disk_.Files()) {
      if (absl::StrContains(path, absl::StrCat("/snapshots-", lane, "/"))) paths.push_back(path);
    }
    return paths;
  }
  // The part files with rows of the first lane that has at least two, in the order of its sinks.
  std::vector<std::string> PartsOfOneLane(size_t& lane) {
    for (lane = 0; lane < world_->plan().lanes.size(); ++lane) {
      std::vector<std::string> parts;
      const plan::LanePlan& plan = world_->plan().lanes[lane];
      for (const lane::SinkOutput& sink : world_->plan().stages[plan.stage].spec->sinks) {
        std::string path = lane::PartPath("data", sink, plan.part);
        if (!Content(path).empty()) parts.push_back(std::move(path));
      }
      if (parts.size() >= 2) return parts;
    }
    return {};
  }

  std::unique_ptr<World> world_;
  ModelDisk disk_;
  Outcome outcome_;
  std::vector<std::string> notes_;
};

// It was cut to nothing and written over.
TEST_F(RecoveryTest, ANewJobRefusesAPartFileOfSomebodyElse) {
  const std::string path = "data/scores/part-00000.jsonl";
  WriteFile(path, "{\"somebody\":\"else\"}\n");
  const absl::Status status = Run();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(path), HasSubstr("--data-dir"), HasSubstr("move the file away")));
  EXPECT_EQ(Content(path), "{\"somebody\":\"else\"}\n");
  ASSERT_TRUE(disk_.Remove(path).ok());
  EXPECT_TRUE(Run().ok());
}

TEST_F(RecoveryTest, WhatAClaimedLaneLeftBeforeItsFirstCommitIsCut) {
  const std::string path = "data/scores/part-00000.jsonl";
  ASSERT_TRUE(Run(0).ok());
  WriteFile(path, "{\"torn");
  const absl::Status status = Run();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(notes_, Contains(HasSubstr("cut 6 uncommitted bytes off '" + path)));
  const std::string content = Content(path);
  EXPECT_FALSE(content.empty() || absl::StrContains(content, "torn"));
}

TEST_F(RecoveryTest, NoPartFileIsCutBeforeAllAreFoundLongEnough) {
  ASSERT_TRUE(Run().ok());
  size_t lane = 0;
  const std::vector<std::string> parts = PartsOfOneLane(lane);
  ASSERT_GE(parts.size(), 2);
  WriteFile(parts[0], "uncommitted");
  const std::string before = Content(parts[0]);
  ASSERT_TRUE(disk_.Truncate(parts[1], 1).ok());
  const absl::Status status = Run();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(Content(parts[0]), before);
}

TEST_F(RecoveryTest, NoSnapshotIsRemovedWhenRecoveryFailsAfterItsRestore) {
  ASSERT_TRUE(Run(3000).ok());
  ASSERT_TRUE(Run().ok());
  size_t lane = 0;
  const std::vector<std::string> parts = PartsOfOneLane(lane);
  ASSERT_GE(parts.size(), 2);
  const std::vector<std::string> snapshots = Snapshots(lane);
  ASSERT_EQ(snapshots.size(), 2);
  std::string damaged = Content(snapshots[1]);
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  ASSERT_TRUE(disk_.Overwrite(snapshots[1], damaged).ok());
  ASSERT_TRUE(disk_.Truncate(parts[0], 1).ok());
  EXPECT_TRUE(absl::IsDataLoss(Run()));
  EXPECT_EQ(Snapshots(lane), snapshots);
}

// Such as one of a later build: the lane starts from an older one, or from nothing.
TEST_F(RecoveryTest, ASnapshotWhoseEngineStateDoesNotFitIsNotUsed) {
  ASSERT_TRUE(Run().ok());
  const Outcome expected = outcome_;
  std::vector<std::string> problems;
  const auto store = state::MakePlainSnapshots(disk_, "data/snapshots-0");
  const auto infos = store->List(problems);
  ASSERT_TRUE(infos.ok() && !infos->empty());
  const state::SnapshotInfo& newest = infos->front();
  ASSERT_TRUE(store->Restore(newest.key, [](auto, auto, auto) { return absl::OkStatus(); }).ok());
  journal::v1::LaneState engine;
  ASSERT_TRUE(engine.ParseFromString(newest.engine));
  engine.set_version(lane::Executor::kStateVersion + 1);
  ASSERT_TRUE(store->Save(newest.key, engine.SerializeAsString(), {}).ok());
  const absl::Status status = Run();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Difference(expected, outcome_), "");
  EXPECT_THAT(notes_, Contains(AllOf(HasSubstr("is damaged and is not used"),
                                     HasSubstr("engine state, of version 3"))));
}

TEST_F(RecoveryTest, AJournalRecordOfAnotherVersionNamesLanePositionAndWayOut) {
  {
    std::vector<std::string> notes;
    const auto log = log::OpenFileLog(
        disk_, "data/log", static_cast<uint32_t>(world_->plan().lanes.size()), {}, notes);
    ASSERT_TRUE(log.ok()) << log.status();
    journal::v1::JournalRecord record;
    record.set_version(2);
    record.set_sequence(1);
    log::Transaction transaction;
    transaction.sequence = 1;
    transaction.journal = record.SerializeAsString();
    ASSERT_TRUE((*(*log)->OpenLane(0))->Commit(transaction).ok());
  }
  const absl::Status status = Run();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("journal position 1 of lane " + world_->plan().lanes[0].name),
                    HasSubstr("version 2"), HasSubstr("way out")));
}

TEST(DigestBytes, BytesOfAnotherLengthMatchNothing) {
  const Digest digest = Hash128("x");
  const std::string bytes = lane::internal::ToBytes(digest);
  EXPECT_EQ(lane::internal::FromBytes(bytes), digest);
  EXPECT_NE(lane::internal::FromBytes(bytes + "more"), digest);
  EXPECT_NE(lane::internal::FromBytes(""), Digest{});
  EXPECT_NE(lane::internal::FromBytes(std::string(8, '\0')), Digest{});
}

}  // namespace
}  // namespace streamml::sim
