#include "worker/state/plain_snapshots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/model_disk.h"
#include "tests/worker/state/snapshot_model.h"

namespace streamml::state {
namespace {

using support::DiskAction;
using support::DiskOperation;
using support::ModelDisk;
using support::Random;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kFolder = "/lane/snapshots";

// The contents after each Save of a run whose changes depend on nothing but the sequence.
std::vector<StateChange> ChangesOf(uint64_t sequence) {
  Random random(sequence);
  return RandomChanges(random, 15);
}

Contents ContentsAt(uint64_t sequence) {
  Contents contents;
  for (uint64_t i = 1; i <= sequence; ++i) Apply(ChangesOf(i), contents);
  return contents;
}

// Saves until `last` or the crash; returns the last sequence whose Save was acknowledged, or
// `from`.
uint64_t SaveUntilCrash(ModelDisk& disk, uint64_t from, uint64_t last) {
  const auto store = MakePlainSnapshots(disk, kFolder);
  if (from > 0 && !RestoreAll(*store, KeyOf(from)).ok()) return from;
  for (uint64_t sequence = from + 1; sequence <= last; ++sequence) {
    if (!store->Save(KeyOf(sequence), "engine", ChangesOf(sequence)).ok()) return sequence - 1;
  }
  return last;
}

// After a restart: the newest snapshot is the acknowledged one or the next, all that are listed are
// whole, and nothing damaged lies under a snapshot's name. Returns the newest sequence.
uint64_t CheckAfterCrash(ModelDisk& disk, uint64_t acknowledged) {
  const auto store = MakePlainSnapshots(disk, kFolder);
  const auto infos = ListAll(*store);
  if (infos.empty()) {
    EXPECT_EQ(acknowledged, 0U);
    return 0;
  }
  const uint64_t newest = infos[0].key.sequence;
  EXPECT_TRUE(newest == acknowledged || newest == acknowledged + 1)
      << newest << " " << acknowledged;
  if (newest >= 2) {
    EXPECT_GE(infos.size(), 2U);
  }
  for (const SnapshotInfo& info : infos) {
    const auto reader = MakePlainSnapshots(disk, kFolder);
    const Contents expected = ContentsAt(info.key.sequence);
    EXPECT_EQ(info.state_digest, DigestOf(expected));
    EXPECT_EQ(info.key, KeyOf(info.key.sequence));
    const auto restored = RestoreAll(*reader, info.key);
    EXPECT_TRUE(restored.ok()) << restored.status();
    if (restored.ok()) {
      EXPECT_EQ(*restored, expected);
    }
    if (info.key != infos[0].key) break;  // the older one: its Restore has removed the newer
  }
  return newest;
}

TEST(PlainSnapshots, CrashAtEveryStepLeavesTheLastAcknowledgedSnapshotOrTheNext) {
  uint64_t num_steps = 0;
  {
    ModelDisk disk;
    SaveUntilCrash(disk, 0, 4);
    num_steps = disk.num_operations();
  }
  ASSERT_GT(num_steps, 20U);
  int num_ahead = 0;
  for (uint64_t step = 0; step <= num_steps; ++step) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      SCOPED_TRACE(testing::Message() << "step " << step << " seed " << seed);
      Random random(seed);
      ModelDisk disk;
      disk.FailAfter(step);
      const uint64_t acknowledged = SaveUntilCrash(disk, 0, 4);
      disk.Crash(random);
      if (CheckAfterCrash(disk, acknowledged) > acknowledged) ++num_ahead;
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(num_ahead, 0);
}

TEST(PlainSnapshots, RunGoesOnAfterCrashUponCrash) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    ModelDisk disk;
    uint64_t newest = 0;
    while (newest < 12) {
      disk.FailAfter(random.Below(60));
      const uint64_t acknowledged = SaveUntilCrash(disk, newest, 12);
      disk.Crash(random);
      const auto store = MakePlainSnapshots(disk, kFolder);
      const auto infos = ListAll(*store);
      const uint64_t found = infos.empty() ? 0 : infos[0].key.sequence;
      ASSERT_GE(found, acknowledged);
      ASSERT_LE(found, acknowledged + 1);
      newest = found;
    }
    const auto store = MakePlainSnapshots(disk, kFolder);
    ASSERT_EQ(*RestoreAll(*store, KeyOf(12)), ContentsAt(12));
  }
}

// Kills: a store that does not sync the file, or its folder, before it says OK.
TEST(PlainSnapshots, TheModelFindsALostSync) {
  for (const char* lost : {"sync", "sync directory"}) {
    bool found = false;
    for (uint64_t seed = 0; seed < 50 && !found; ++seed) {
      Random random(seed);
      ModelDisk disk;
      disk.SetHook([lost](const DiskOperation& operation) {
        return operation.name == lost ? DiskAction::kLoseSync : DiskAction::kProceed;
      });
      ASSERT_EQ(SaveUntilCrash(disk, 0, 1), 1U);
      disk.Crash(random);
      std::vector<std::string> problems;
      found = MakePlainSnapshots(disk, kFolder)->List(problems)->empty();
    }
    EXPECT_TRUE(found) << lost;
  }
}

TEST(PlainSnapshots, TwoNewestAreKeptAndRemainsOfCrashesAreRemoved) {
  ModelDisk disk;
  ASSERT_TRUE(disk.MakeDirectories(kFolder).ok());
  const std::string remains = std::string(kFolder) + "/x.snapshot.tmp";
  ASSERT_TRUE(disk.OpenForAppend(remains).ok());
  ASSERT_EQ(SaveUntilCrash(disk, 0, 5), 5U);
  const auto infos = ListAll(*MakePlainSnapshots(disk, kFolder));
  ASSERT_THAT(infos, SizeIs(2));
  EXPECT_EQ(infos[0].key, KeyOf(5));
  EXPECT_EQ(infos[1].key, KeyOf(4));
  EXPECT_THAT(disk.Files(), SizeIs(2));
}

TEST(PlainSnapshots, AnyFlippedOrMissingByteIsReportedAndTheOlderSnapshotServes) {
  ModelDisk disk;
  ASSERT_EQ(SaveUntilCrash(disk, 0, 2), 2U);
  const std::string path = disk.Files().back();
  const std::string whole = *ReadWhole(disk, path);
  const auto check = [&](const std::string& damaged) {
    ASSERT_TRUE(disk.Overwrite(path, damaged).ok());
    const auto store = MakePlainSnapshots(disk, kFolder);
    std::vector<std::string> problems;
    const auto infos = *store->List(problems);
    ASSERT_THAT(problems, SizeIs(1));
    EXPECT_THAT(problems[0], HasSubstr(path));
    ASSERT_THAT(infos, SizeIs(1));
    EXPECT_EQ(infos[0].key, KeyOf(1));
    const absl::Status status = RestoreAll(*store, KeyOf(2)).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  };
  for (size_t i = 0; i < whole.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "byte " << i);
    check(whole.substr(0, i));
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    check(flipped);
    if (HasFailure()) return;
  }
  check(whole + 'x');
  const auto store = MakePlainSnapshots(disk, kFolder);
  EXPECT_EQ(*RestoreAll(*store, KeyOf(1)), ContentsAt(1));
  EXPECT_THAT(disk.Files(), SizeIs(2));
  ASSERT_TRUE(store->Save(KeyOf(3), "", {}).ok());
  // The damaged one was newer than what was restored.
  EXPECT_THAT(ListAll(*store), SizeIs(2));
  EXPECT_THAT(disk.Files(), SizeIs(2));
}

TEST(PlainSnapshots, FullDiskIsReportedAndLosesNothing) {
  for (const char* full : {"create", "append", "sync"}) {
    ModelDisk disk;
    ASSERT_EQ(SaveUntilCrash(disk, 0, 2), 2U);
    const auto store = MakePlainSnapshots(disk, kFolder);
    ASSERT_TRUE(RestoreAll(*store, KeyOf(2)).ok());
    disk.SetHook([full](const DiskOperation& operation) {
      return operation.name == full ? DiskAction::kFull : DiskAction::kProceed;
    });
    const absl::Status status = store->Save(KeyOf(3), "", ChangesOf(3)).status();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    disk.SetHook(nullptr);
    EXPECT_EQ(CheckAfterCrash(disk, 2), 2U);
  }
}

TEST(PlainSnapshots, CrashDuringClearLeavesWholeSnapshotsOnly) {
  for (uint64_t step = 0; step < 4; ++step) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      Random random(seed);
      ModelDisk disk;
      ASSERT_EQ(SaveUntilCrash(disk, 0, 2), 2U);
      disk.FailAfter(step);
      const absl::Status status = MakePlainSnapshots(disk, kFolder)->Clear();
      EXPECT_EQ(status.ok(), step >= 3) << status;
      disk.Crash(random);
      const auto store = MakePlainSnapshots(disk, kFolder);
      const auto infos = ListAll(*store);
      if (status.ok()) {
        EXPECT_THAT(infos, IsEmpty());
      }
      for (const SnapshotInfo& info : infos) {
        EXPECT_EQ(*RestoreAll(*store, info.key), ContentsAt(info.key.sequence));
      }
    }
  }
}

}  // namespace
}  // namespace streamml::state
