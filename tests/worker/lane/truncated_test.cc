// Lanes whose journal has lost its beginning, by right or not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "tests/sim/process.h"
#include "tests/sim/world.h"

namespace streamml::sim {
namespace {

using support::ModelDisk;
using support::Random;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint64_t kMaxActions = 100'000;
constexpr int64_t kKeepUs = 10'000'000;  // some ten actions

class TruncatedTest : public testing::Test {
 protected:
  void SetUp() override {
    auto world = World::Make(1, {});
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
  }
  // Opens what the disk holds and runs for so many actions and an orderly stop, or to the end and a
  // replay of all.
  absl::Status Run(uint64_t num_actions, int64_t keep_us) {
    keeping_.keep_us = keep_us;
    Process process(*world_, disk_, random_, "sim", &keeping_);
    RETURN_IF_ERROR(process.Start());
    for (uint64_t i = 0; i < num_actions && !process.finished(); ++i) {
      RETURN_IF_ERROR(process.Act());
    }
    opened_truncated_ = process.opened_truncated();
    if (!process.finished()) return process.StopAll();
    RETURN_IF_ERROR(process.ReplayAll());
    replayed_truncated_ = process.replayed_truncated();
    outcome_ = process.Collect();
    return absl::OkStatus();
  }
  std::vector<std::string> FilesIn(const std::string& folder) const {
    std::vector<std::string> paths;
    for (const std::string& path : disk_.Files()) {
      if (path.starts_with(folder)) paths.push_back(path);
    }
    return paths;
  }

  std::unique_ptr<World> world_;
  ModelDisk disk_;
  Random random_{3};
  Keeping keeping_;
  Outcome outcome_;
  bool opened_truncated_ = false;
  bool replayed_truncated_ = false;
};

TEST_F(TruncatedTest, AJobThatKeepsLittleGivesTheSameResultsOnLessDisk) {
  ASSERT_TRUE(Run(kMaxActions, 0).ok());
  const Outcome whole = outcome_;
  const size_t num_files = FilesIn("data/log/").size();
  for (const std::string& path : disk_.Files()) ASSERT_TRUE(disk_.Remove(path).ok());
  for (int life = 0; life < 3; ++life) ASSERT_TRUE(Run(200, kKeepUs).ok());
  const absl::Status status = Run(kMaxActions, kKeepUs);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(opened_truncated_ && replayed_truncated_);
  EXPECT_EQ(Difference(whole, outcome_), "");
  EXPECT_LT(FilesIn("data/log/").size(), num_files);
}

// What is damaged before the snapshot is not looked at: recovery takes as long as what comes after.
TEST_F(TruncatedTest, RecoveryReadsOnlyWhatComesAfterTheSnapshot) {
  ASSERT_TRUE(Run(400, 0).ok());
  const std::vector<std::string> segments = FilesIn("data/log/lane-0/");
  ASSERT_GE(segments.size(), 4);
  auto content = ReadWhole(disk_, segments.front());
  ASSERT_TRUE(content.ok());
  for (size_t byte = content->size() / 2; byte < content->size(); ++byte) (*content)[byte] = '\0';
  ASSERT_TRUE(disk_.Overwrite(segments.front(), *content).ok());
  Process process(*world_, disk_, random_, "sim", &keeping_);
  const absl::Status status = process.Start();
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(TruncatedTest, ACutJournalWithoutASnapshotIsRefusedWithTheWayOut) {
  for (int life = 0; life < 3; ++life) ASSERT_TRUE(Run(200, kKeepUs).ok());
  size_t lane = 0;
  while (FilesIn(absl::StrCat("data/log/lane-", lane, "/00000000000000000000")).size() == 1) ++lane;
  ASSERT_LT(lane, world_->plan().lanes.size()) << "no journal was cut";
  for (const std::string& path : FilesIn(absl::StrCat("data/snapshots-", lane, "/"))) {
    ASSERT_TRUE(disk_.Remove(path).ok());
  }
  const absl::Status status = Run(1, kKeepUs);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("the journal is kept from position "), HasSubstr("spec.replay.keep"),
                    HasSubstr("way out: put the snapshots back")));
}

// The lane that reads them is named, not only what is missing.
TEST_F(TruncatedTest, WhatSomebodyElseRemovedAlthoughItIsNeededIsALoss) {
  ASSERT_TRUE(Run(400, 0).ok());
  for (size_t lane = 0; lane < world_->plan().lanes.size(); ++lane) {
    const std::string folder = absl::StrCat("data/log/lane-", lane, "/");
    const std::vector<std::string> segments = FilesIn(folder);
    for (size_t i = 0; i + 1 < segments.size(); ++i) ASSERT_TRUE(disk_.Remove(segments[i]).ok());
  }
  const absl::Status status = Run(1, 0);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "way out")) << status;
}

}  // namespace
}  // namespace streamml::sim
