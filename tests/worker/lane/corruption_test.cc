// Damage to the files of log and snapshots of a job that was left in the middle or at its end: the
// next life finishes with the outcome of an undisturbed run and can be replayed, or one of the two
// refuses and says where and what to do. (A lane may finish although the tail of a log that it had
// read is gone; its replay cannot.) Kills: a digest or checksum that is not looked at, a snapshot
// that is trusted before it is checked, a cut in the middle of a log taken for a torn tail.

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "tests/sim/process.h"
#include "tests/sim/world.h"

namespace streamml::sim {
namespace {

using support::ModelDisk;
using support::Random;

constexpr uint64_t kMaxActions = 100'000;

// Another disk with the same files.
void Copy(ModelDisk& from, ModelDisk& to) {
  for (const std::string& path : from.Files()) {
    ASSERT_TRUE(to.MakeDirectories(ParentDirectory(path)).ok());
    const auto content = ReadWhole(from, path);
    const auto file = to.OpenForAppend(path);
    ASSERT_TRUE(content.ok() && file.ok());
    ASSERT_TRUE((*file)->Append(*content).ok() && (*file)->Sync().ok());
    ASSERT_TRUE(to.SyncDirectory(ParentDirectory(path)).ok());
  }
}

bool IsStored(const std::string& path) {
  return absl::EndsWith(path, ".log") || absl::StrContains(path, "/snapshots-");
}

class CorruptionTest : public testing::TestWithParam<uint64_t> {
 protected:
  void SetUp() override {
    WorldOptions options;
    options.num_rows = 150;
    auto world = World::Make(GetParam(), options);
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
    ModelDisk disk;
    const auto outcome = Finish(disk);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    expected_ = *outcome;
  }

  // Opens what the disk holds and runs to the end.
  absl::StatusOr<Outcome> Finish(ModelDisk& disk) {
    Random random(GetParam() + 1);
    Process process(*world_, disk, random);
    RETURN_IF_ERROR(process.Start());
    for (uint64_t action = 0; !process.finished(); ++action) {
      if (action > kMaxActions) return absl::InternalError("no progress");
      RETURN_IF_ERROR(process.Act());
    }
    RETURN_IF_ERROR(Annotate(process.ReplayAll(), "replay"));
    return process.Collect();
  }

  // Leaves the job after `num_actions`, in a few lives so that there are claims and snapshots.
  void RunPartly(ModelDisk& disk, uint64_t num_actions) {
    Random random(GetParam() + 2);
    for (int life = 0; life < 3; ++life) {
      Process process(*world_, disk, random);
      ASSERT_TRUE(process.Start().ok());
      for (uint64_t action = 0; action < num_actions / 3 && !process.finished(); ++action) {
        ASSERT_TRUE(process.Act().ok());
      }
      if (life != 1) continue;
      ASSERT_TRUE(process.StopAll().ok());
    }
  }

  // The damaged file's next life.
  void Check(ModelDisk& base, const std::string& path, const std::string& bytes,
             const std::string& what) {
    ModelDisk disk;
    Copy(base, disk);
    ASSERT_TRUE(disk.Overwrite(path, bytes).ok());
    const auto outcome = Finish(disk);
    const std::string context = absl::StrCat("seed ", GetParam(), ", ", path, ", ", what, ": ");
    if (outcome.ok()) {
      EXPECT_EQ(Difference(expected_, *outcome), "") << context;
      ++num_finished_;
      return;
    }
    const absl::Status& status = outcome.status();
    EXPECT_TRUE(absl::IsDataLoss(status) || absl::IsFailedPrecondition(status))
        << context << status;
    EXPECT_TRUE(absl::StrContains(status.message(), path) ||
                absl::StrContains(status.message(), "byte ") ||
                absl::StrContains(status.message(), "position "))
        << context << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "way out") ||
                absl::StrContains(status.message(), "start over"))
        << context << status;
    ++num_refused_;
  }

  void DamageTail(ModelDisk& base, const std::string& path) {
    const auto content = ReadWhole(base, path);
    ASSERT_TRUE(content.ok());
    const size_t size = content->size();
    Random random(GetParam() * 1000 + size);
    for (const size_t cut : {size, size / 2, size - random.Below(size), size_t{1}, size_t{9}}) {
      Check(base, path, content->substr(0, size - std::min(cut, size)),
            absl::StrCat("cut by ", cut));
    }
    for (const size_t tail : {size_t{1}, size_t{40}, size_t{400}, size}) {
      std::string flipped = *content;
      const size_t byte = size - 1 - random.Below(std::min(tail, size));
      flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << random.Below(8)));
      Check(base, path, flipped, absl::StrCat("bit flipped in byte ", byte, " of ", size));
    }
    const size_t torn = 1 + random.Below(std::min<size_t>(size, 100));
    Check(base, path, content->substr(0, size - torn) + std::string(torn, '\0'),
          absl::StrCat("last ", torn, " bytes zero"));
    Check(base, path, absl::StrCat(*content, std::string(33, '\7')), "bytes behind it");
  }

  std::unique_ptr<World> world_;
  Outcome expected_;
  uint64_t num_finished_ = 0;
  uint64_t num_refused_ = 0;
};

TEST_P(CorruptionTest, ADamagedTailIsRecoveredOrRefusedWithPlaceAndWayOut) {
  for (const uint64_t num_actions : {150, 100'000}) {
    ModelDisk base;
    RunPartly(base, num_actions);
    for (const std::string& path : base.Files()) {
      if (!IsStored(path)) continue;
      const auto content = ReadWhole(base, path);
      if (!content->empty()) DamageTail(base, path);
    }
  }
  // Both happen, else the test has lost its teeth.
  EXPECT_GT(num_finished_, 0);
  EXPECT_GT(num_refused_, 0);
}

// A finished lane whose newest snapshot is damaged said that an older one's digest was its last.
TEST_P(CorruptionTest, AFinishedJobTellsItsStateDigestWithoutItsNewestSnapshots) {
  ModelDisk disk;
  ASSERT_TRUE(Finish(disk).ok());
  for (const std::string& path : disk.Files()) {
    if (!absl::StrContains(path, "/snapshots-")) continue;
    auto content = ReadWhole(disk, path);
    content->back() = static_cast<char>(content->back() ^ 1);
    ASSERT_TRUE(disk.Overwrite(path, *content).ok());
  }
  const auto outcome = Finish(disk);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(Difference(expected_, *outcome), "");
}

INSTANTIATE_TEST_SUITE_P(Seeds, CorruptionTest, testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace streamml::sim
