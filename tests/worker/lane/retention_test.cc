// Which snapshots stay, and which is the base.
#include "worker/lane/internal/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/lane/executor.h"

namespace streamml::lane::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kKeepUs = 400;

state::SnapshotInfo Snapshot(uint64_t sequence, int64_t taken_us) {
  journal::v1::LaneState engine;
  engine.set_version(Executor::kStateVersion);
  engine.set_taken_us(taken_us);
  engine.set_record_bytes(sequence * 10);
  engine.add_inputs()->mutable_low()->set_ordinal(sequence);
  return {{sequence, {}}, engine.SerializeAsString(), {}};
}

std::vector<uint64_t> Sequences(const std::vector<state::SnapshotKey>& keys) {
  std::vector<uint64_t> sequences;
  for (const state::SnapshotKey& key : keys) sequences.push_back(key.sequence);
  return sequences;
}

// A lane that takes a snapshot every 10 and looks after each.
struct Life {
  Retention retention{kKeepUs, 1};
  uint64_t base = 0;
  size_t most = 0;
  int64_t longest = 0;
  int64_t shortest = INT64_MAX;

  void Go(int64_t from, int64_t to, std::optional<uint64_t> stored) {
    for (int64_t now = from; now <= to; now += 10) {
      most = std::max(most, retention.Keep(now, base, {}).size());
      retention.Add(Snapshot(static_cast<uint64_t>(now), now));
      if (const KeptSnapshot* next = retention.NextBase(now, base, stored))
        base = next->key.sequence;
      if (base == 0) continue;
      longest = std::max(longest, now - static_cast<int64_t>(base));
      shortest = std::min(shortest, now - static_cast<int64_t>(base));
    }
  }
};

TEST(RetentionTest, WhatIsReplayableIsAtLeastKeepAndAtMostAFourthMore) {
  Life life;
  life.Go(10, 10'000, std::nullopt);
  EXPECT_GT(life.base, 9'000);
  EXPECT_GE(life.shortest, kKeepUs);
  EXPECT_LE(life.longest, kKeepUs * 5 / 4 + 20);
  EXPECT_LE(life.most, 8);
}

TEST(RetentionTest, TheBaseIsNotNewerThanWhatTheStoreHas) {
  Life life;
  life.Go(10, 3'000, 700);
  EXPECT_LE(life.base, 700);
  EXPECT_LE(life.most, 8);  // also while the store is away for long
  life.Go(3'010, 5'000, 4'990);
  EXPECT_GE(life.base, 4'400);
}

TEST(RetentionTest, WithoutKeepNothingIsOldAndOnlyTheFirstOfAFingerprintStays) {
  Retention retention(0, 1);
  retention.Add(Snapshot(5, 1));
  EXPECT_THAT(retention.Keep(1'000'000, 0, {}), IsEmpty());
  EXPECT_EQ(retention.NextBase(1'000'000, 0, std::nullopt), nullptr);
  retention.SetFirstOfFingerprint({5, {}});
  EXPECT_THAT(Sequences(retention.Keep(1'000'000, 0, {})), ElementsAre(5));
  EXPECT_EQ(retention.Oldest(0), 6);
}

TEST(RetentionTest, AClockThatGoesBackKeepsWhatThereIs) {
  Retention retention(kKeepUs, 1);
  retention.Add(Snapshot(1, 5'000));
  EXPECT_THAT(Sequences(retention.Keep(100, 0, {})), ElementsAre(1));
  EXPECT_EQ(retention.NextBase(100, 0, std::nullopt), nullptr);
}

// It stayed young for as long as the clock had been ahead, and none after it was kept as a step.
TEST(RetentionTest, AClockThatWasAheadDoesNotHoldBackTheBase) {
  Life life;
  life.retention.Add(Snapshot(5, 1'000'000'000));
  life.Go(10, 3'000, std::nullopt);
  EXPECT_GT(life.base, 2'000);
}

TEST(RetentionTest, AJobThatKeepsAllFromNowOnKeepsItsBase) {
  Retention retention(0, 1);
  retention.Start({Snapshot(9, 3), Snapshot(7, 2), Snapshot(5, 1)}, 9);
  EXPECT_THAT(Sequences(retention.Keep(1'000'000, 5, {})), ElementsAre(5));
  EXPECT_EQ(retention.Oldest(5), 6);
}

// Of another history are those that the journal does not show; they have sequences all the same.
TEST(RetentionTest, OnlyWhatTheJournalShowsBecomesTheBase) {
  Retention retention(kKeepUs, 1);
  retention.Start({Snapshot(30, 1'000), Snapshot(20, 900), Snapshot(10, 800)}, 30);
  EXPECT_THAT(Sequences(retention.Keep(1'350, 0, {})), ElementsAre(20, 30)) << "10 is no step";
  EXPECT_EQ(retention.NextBase(1'350, 0, std::nullopt), nullptr);
  retention.Review({Snapshot(20, 900)}, /*is_all=*/false, 30);
  ASSERT_NE(retention.NextBase(1'350, 0, std::nullopt), nullptr);
  EXPECT_EQ(retention.NextBase(1'350, 0, std::nullopt)->key.sequence, 20);
}

// The simulator found it: of two at one place the base was removed, before the journal was asked.
TEST(RetentionTest, OfTwoHistoriesAtOnePlaceBothStayUntilTheJournalIsAsked) {
  Retention retention(kKeepUs, 1);
  state::SnapshotInfo other = Snapshot(20, 900);
  other.key.history = {1, 2};
  retention.Start({Snapshot(30, 1'000), other, Snapshot(20, 900)}, 30);
  EXPECT_THAT(Sequences(retention.Keep(1'350, 20, {})), ElementsAre(20, 20, 30));
  retention.Review({Snapshot(20, 900)}, /*is_all=*/true, 30);
  EXPECT_THAT(Sequences(retention.Keep(1'350, 20, {})), ElementsAre(20, 30));
  EXPECT_EQ(retention.Find(20)->key, Snapshot(20, 900).key);
}

// The simulator found it: who looks before a save sees what the save then removes.
TEST(RetentionTest, WhatTheSaveRemovesIsNotTakenForThereByTheLookBeforeIt) {
  Retention retention(kKeepUs, 1);
  const std::vector<state::SnapshotInfo> there = {Snapshot(30, 1'000), Snapshot(20, 900),
                                                  Snapshot(10, 800)};
  retention.Start(there, 30);
  EXPECT_THAT(Sequences(retention.Keep(1'350, 0, {})), ElementsAre(20, 30));
  retention.Review(there, /*is_all=*/true, 30);
  EXPECT_EQ(retention.Find(10), nullptr);
  EXPECT_NE(retention.Find(20), nullptr);
}

TEST(RetentionTest, AReviewOfAllForgetsWhatTheJournalDoesNotShow) {
  Retention retention(kKeepUs, 1);
  retention.Start({Snapshot(30, 1'000), Snapshot(20, 900)}, 30);
  retention.Review({Snapshot(10, 800), Snapshot(40, 1'200)}, /*is_all=*/true, 30);
  EXPECT_EQ(retention.Find(20), nullptr);
  EXPECT_EQ(retention.Find(40), nullptr) << "newer than this owner's beginning";
  EXPECT_NE(retention.Find(10), nullptr) << "another owner's";
}

// Else nothing would ever be removed where an upload takes longer than the time between two steps.
TEST(RetentionTest, WhatIsOnItsWayToTheStoreStaysUntilItIsTheBase) {
  Retention retention(kKeepUs, 1);
  uint64_t base = 0;
  std::optional<uint64_t> stored;
  uint64_t uploading = 10;
  for (int64_t now = 10; now <= 20'000; now += 10) {
    std::vector<state::SnapshotKey> in_use = {{uploading, {}}};
    if (stored.has_value()) in_use.push_back({*stored, {}});
    retention.Keep(now, base, in_use);
    retention.Add(Snapshot(static_cast<uint64_t>(now), now));
    if (const KeptSnapshot* next = retention.NextBase(now, base, stored)) base = next->key.sequence;
    if (now % 3'000 == 0) {
      stored = uploading;
      uploading = static_cast<uint64_t>(now);
    }
  }
  EXPECT_GE(base, 12'000);
}

TEST(RetentionTest, WhereNoSnapshotIsLeftNothingIsSaidToBeReplayable) {
  Retention retention(kKeepUs, 1);
  EXPECT_EQ(retention.Oldest(0), 1);
  EXPECT_EQ(retention.Oldest(7), 0);
  retention.Add(Snapshot(12, 0));
  EXPECT_EQ(retention.Oldest(7), 13);
}

TEST(RetentionTest, ASnapshotOfAnotherBuildOrJobCountsForNothing) {
  Retention retention(kKeepUs, 2);  // of two inputs
  retention.Add(Snapshot(1, 0));
  retention.Add({{2, {}}, "not an engine state", {}});
  EXPECT_EQ(retention.NextBase(10'000, 0, std::nullopt), nullptr);
}

}  // namespace
}  // namespace streamml::lane::internal
