#include "tests/support/model_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace streamml::support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::unique_ptr<AppendFile> Open(ModelDisk& disk, const std::string& path) {
  auto file = disk.OpenForAppend(path);
  EXPECT_TRUE(file.ok()) << file.status();
  return *std::move(file);
}

// A folder with a durable file of 4 durable bytes.
void Prepare(ModelDisk& disk) {
  ASSERT_TRUE(disk.MakeDirectories("/data").ok());
  const auto file = Open(disk, "/data/old");
  ASSERT_TRUE(file->Append("1234").ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(disk.SyncDirectory("/data").ok());
}

TEST(ModelDisk, SyncedBytesSurviveAndTheRestIsTornAnywhere) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    ModelDisk disk;
    Prepare(disk);
    ASSERT_TRUE(Open(disk, "/data/old")->Append("abc").ok());
    disk.Crash(random);
    const std::string content = *ReadWhole(disk, "/data/old");
    ASSERT_TRUE(content.starts_with("1234")) << "seed " << seed;
    ASSERT_LE(content.size(), 7U) << "seed " << seed;
    seen.insert(content);
  }
  for (const char* expected : {"1234", "1234a", "1234ab", "1234abc"})
    EXPECT_TRUE(seen.contains(expected));
  EXPECT_TRUE(seen.contains(std::string("1234ab\0", 7)));
  EXPECT_GT(seen.size(), 20U);  // garbage
}

TEST(ModelDisk, FileWithoutSyncedDirectoryMayBeLostThoughItsBytesAreSynced) {
  int kept = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    ModelDisk disk;
    Prepare(disk);
    const auto file = Open(disk, "/data/new");
    ASSERT_TRUE(file->Append("x").ok());
    ASSERT_TRUE(file->Sync().ok());
    disk.Crash(random);
    const auto content = ReadWhole(disk, "/data/new");
    if (content.ok()) {
      ++kept;
      EXPECT_EQ(*content, "x");
    } else {
      EXPECT_TRUE(absl::IsNotFound(content.status())) << content.status();
    }
  }
  EXPECT_GT(kept, 20);
  EXPECT_LT(kept, 80);
}

TEST(ModelDisk, DirectoryOperationsSurviveInTheirOrder) {
  std::set<std::vector<std::string>> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    ModelDisk disk;
    Prepare(disk);
    Open(disk, "/data/new.tmp");
    ASSERT_TRUE(disk.Rename("/data/new.tmp", "/data/new").ok());
    ASSERT_TRUE(disk.Remove("/data/old").ok());
    disk.Crash(random);
    seen.insert(*disk.List("/data"));
  }
  EXPECT_THAT(seen, ElementsAre(ElementsAre("new"), ElementsAre("new", "old"),
                                ElementsAre("new.tmp", "old"), ElementsAre("old")));
}

TEST(ModelDisk, SyncedDirectorySurvives) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    ModelDisk disk;
    Prepare(disk);
    ASSERT_TRUE(disk.Rename("/data/old", "/data/new").ok());
    ASSERT_TRUE(disk.SyncDirectory("/data").ok());
    disk.Crash(random);
    EXPECT_THAT(*disk.List("/data"), ElementsAre("new"));
    EXPECT_EQ(*ReadWhole(disk, "/data/new"), "1234");
  }
}

TEST(ModelDisk, TruncateAndDirectoriesAreDurableAtOnce) {
  Random random(1);
  ModelDisk disk;
  Prepare(disk);
  ASSERT_TRUE(disk.Truncate("/data/old", 2).ok());
  ASSERT_TRUE(disk.MakeDirectories("/data/a/b").ok());
  disk.Crash(random);
  EXPECT_EQ(*ReadWhole(disk, "/data/old"), "12");
  EXPECT_THAT(*disk.List("/data"), ElementsAre("a", "old"));
  EXPECT_THAT(*disk.List("/data/a"), ElementsAre("b"));
}

TEST(ModelDisk, RenameReplacesInOneStep) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    ModelDisk disk;
    Prepare(disk);
    ASSERT_TRUE(WriteWhole(disk, "/data/old", "5678").ok());
    ASSERT_TRUE(WriteWhole(disk, "/data/old", "9").ok());
    disk.Crash(random);
    EXPECT_EQ(*ReadWhole(disk, "/data/old"), "9");
  }
}

TEST(ModelDisk, CrashAtEveryStepOfWriteWholeLeavesOldOrNewContent) {
  std::set<std::string> seen;
  for (uint64_t step = 0; step < 6; ++step) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      Random random(seed);
      ModelDisk disk;
      Prepare(disk);
      disk.FailAfter(step);
      const absl::Status status = WriteWhole(disk, "/data/old", "abcdef");
      EXPECT_EQ(status.ok(), !disk.stopped());
      disk.Crash(random);
      const std::string content = *ReadWhole(disk, "/data/old");
      EXPECT_TRUE(content == "1234" || content == "abcdef")
          << step << " " << seed << " " << content;
      if (status.ok()) {
        EXPECT_EQ(content, "abcdef");
      }
      seen.insert(content);
    }
  }
  EXPECT_EQ(seen.size(), 2U);
}

TEST(ModelDisk, NothingWorksAfterTheCrashUntilTheRestart) {
  Random random(1);
  ModelDisk disk;
  Prepare(disk);
  const auto writer = Open(disk, "/data/old");
  const auto reader = *disk.OpenForRead("/data/old");
  const auto lock = disk.Lock("/data/lock");
  ASSERT_TRUE(lock.ok());
  disk.FailAfter(1);
  EXPECT_TRUE(writer->Append("5").ok());
  std::string bytes;
  EXPECT_EQ(writer->Sync(), absl::UnavailableError("crashed"));
  EXPECT_TRUE(disk.stopped());
  EXPECT_EQ(reader->ReadAt(0, 1, bytes), absl::UnavailableError("crashed"));
  EXPECT_EQ(disk.List("/data").status(), absl::UnavailableError("crashed"));
  EXPECT_EQ(disk.OpenForRead("/data/old").status(), absl::UnavailableError("crashed"));
  disk.Crash(random);
  EXPECT_EQ(writer->Append("6"), absl::UnavailableError("crashed"));
  EXPECT_EQ(reader->Size().status(), absl::UnavailableError("crashed"));
  EXPECT_TRUE(disk.OpenForRead("/data/old").ok());
}

TEST(ModelDisk, LockIsExclusiveUntilReleasedOrCrashed) {
  Random random(1);
  ModelDisk disk;
  Prepare(disk);
  auto first = disk.Lock("/data/lock");
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(disk.Lock("/data/lock").status()));
  first->reset();
  first = disk.Lock("/data/lock");
  ASSERT_TRUE(first.ok());
  disk.Crash(random);
  auto second = disk.Lock("/data/lock");
  ASSERT_TRUE(second.ok());
  first->reset();  // the dead one's release must not free the second's
  EXPECT_TRUE(absl::IsFailedPrecondition(disk.Lock("/data/lock").status()));
}

TEST(ModelDisk, HookSeesEachChangeAndInjectsFaults) {
  ModelDisk disk;
  std::vector<std::string> seen;
  disk.SetHook([&seen](const DiskOperation& operation) {
    EXPECT_EQ(operation.number, seen.size());
    seen.push_back(std::string(operation.name) + " " + std::string(operation.path));
    return operation.name == "append" ? DiskAction::kFull : DiskAction::kProceed;
  });
  Random random(1);
  ASSERT_TRUE(disk.MakeDirectories("/data//").ok());
  const auto file = Open(disk, "/data/./f");
  EXPECT_TRUE(absl::IsResourceExhausted(file->Append("1234")));
  EXPECT_EQ(file->size(), 2U);
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_THAT(seen, ElementsAre("make directories /data", "create /data/f", "append /data/f",
                                "sync /data/f"));
  EXPECT_EQ(disk.num_operations(), 4U);
}

TEST(ModelDisk, LostSyncSaysOkAndKeepsNothing) {
  bool lost = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    ModelDisk disk;
    Prepare(disk);
    disk.SetHook([](const DiskOperation&) { return DiskAction::kLoseSync; });
    const auto file = Open(disk, "/data/old");
    ASSERT_TRUE(file->Append("5").ok());
    ASSERT_TRUE(file->Sync().ok());
    disk.Crash(random);
    lost = lost || *ReadWhole(disk, "/data/old") == "1234";
  }
  EXPECT_TRUE(lost);
}

TEST(ModelDisk, RefusesWhatItDoesNotModelAndWhatIsMissing) {
  ModelDisk disk;
  Prepare(disk);
  ASSERT_TRUE(disk.MakeDirectories("/other").ok());
  EXPECT_TRUE(absl::IsUnimplemented(disk.Rename("/data/old", "/other/old")));
  EXPECT_TRUE(absl::IsUnimplemented(disk.Rename("/data", "/moved")));
  EXPECT_TRUE(absl::IsNotFound(disk.Rename("/data/none", "/data/x")));
  EXPECT_TRUE(absl::IsNotFound(disk.OpenForAppend("/none/f").status()));
  EXPECT_TRUE(absl::IsNotFound(disk.Truncate("/data/none", 0)));
  EXPECT_TRUE(absl::IsNotFound(disk.SyncDirectory("/none")));
  EXPECT_TRUE(disk.Remove("/data/none").ok());
  EXPECT_FALSE(disk.MakeDirectories("/data/old/x").ok());
  EXPECT_THAT(*disk.List("/none"), IsEmpty());
  EXPECT_THAT(disk.Files(), ElementsAre("/data/old"));
}

TEST(ModelDisk, SameSeedGivesTheSameDisk) {
  const auto run = [] {
    Random random(42);
    ModelDisk disk;
    Prepare(disk);
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(Open(disk, "/data/f" + std::to_string(i))->Append(std::string(100, 'x')).ok());
    }
    disk.Crash(random);
    std::string all;
    for (const std::string& path : disk.Files()) all += path + "=" + *ReadWhole(disk, path) + "\n";
    return all;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace streamml::support
