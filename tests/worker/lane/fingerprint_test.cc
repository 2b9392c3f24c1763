// A job whose program or machine changes: what runs on, what is replayed, what is refused (I3).
// Kills: a snapshot that replay needs thrown away for being old, a replay that crosses a change.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "base/status.h"
#include "tests/sim/process.h"
#include "tests/sim/world.h"

namespace streamml::sim {
namespace {

using support::ModelDisk;
using support::Random;
using testing::HasSubstr;

class FingerprintTest : public testing::TestWithParam<uint64_t> {
 protected:
  void SetUp() override {
    WorldOptions options;
    options.num_rows = 300;
    auto world = World::Make(GetParam(), options);
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
    ModelDisk disk;
    Process process(*world_, disk, random_);
    ASSERT_TRUE(process.Start().ok());
    ASSERT_TRUE(Act(process, kAll).ok());
    expected_ = process.Collect();
  }

  static absl::Status Act(Process& process, int num_actions) {
    for (int i = 0; i < num_actions && !process.finished(); ++i) RETURN_IF_ERROR(process.Act());
    return absl::OkStatus();
  }
  // A life of so many actions and an orderly stop.
  absl::Status Live(const std::string& fingerprint, int num_actions) {
    Process process(*world_, disk_, random_, fingerprint);
    RETURN_IF_ERROR(process.Start());
    RETURN_IF_ERROR(Act(process, num_actions));
    return process.StopAll();
  }
  void RemoveSnapshots() {
    for (const std::string& path : disk_.Files()) {
      if (absl::StrContains(path, "/snapshots-")) disk_.Remove(path).IgnoreError();
    }
  }

  static constexpr int kAll = 100'000;
  std::unique_ptr<World> world_;
  Random random_{GetParam()};
  ModelDisk disk_;
  Outcome expected_;
};

TEST_P(FingerprintTest, AfterAChangeReplayBeginsAtTheSnapshotItWentOnFrom) {
  ASSERT_TRUE(Live("first", 40).ok());
  // Lives enough that the snapshot of the change is none of the two newest.
  for (int life = 0; life < 4; ++life) ASSERT_TRUE(Live("second", 15).ok());
  Process process(*world_, disk_, random_, "second");
  ASSERT_TRUE(process.Start().ok());
  ASSERT_TRUE(Act(process, kAll).ok());
  EXPECT_EQ(Difference(expected_, process.Collect()), "");
  EXPECT_TRUE(process.ReplayAll().ok()) << process.ReplayAll();
  EXPECT_TRUE(process.replayed_from_snapshot());
}

TEST_P(FingerprintTest, EachChangeHasAnOldestPositionOfItsOwn) {
  for (const char* fingerprint : {"first", "second", "first", "third"}) {
    ASSERT_TRUE(Live(fingerprint, 15).ok());
  }
  Process process(*world_, disk_, random_, "third");
  ASSERT_TRUE(process.Start().ok());
  EXPECT_TRUE(process.ReplayAll().ok()) << process.ReplayAll();
  EXPECT_TRUE(process.replayed_from_snapshot());
}

TEST_P(FingerprintTest, WithoutASnapshotAfterTheChangeReplayIsRefused) {
  ASSERT_TRUE(Live("first", 40).ok());
  ASSERT_TRUE(Live("second", 40).ok());
  Process process(*world_, disk_, random_, "second");
  ASSERT_TRUE(process.Start().ok());
  RemoveSnapshots();
  const absl::Status status = process.ReplayAll();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("FingerprintMismatch: journal position"));
}

TEST_P(FingerprintTest, CommitsAfterTheLastSnapshotAreOnlyExecutedByTheirOwnProgram) {
  {
    Process process(*world_, disk_, random_, "first");
    ASSERT_TRUE(process.Start().ok());
    ASSERT_TRUE(Act(process, 200).ok());
    RemoveSnapshots();
    disk_.Kill();
  }
  const absl::Status status = Process(*world_, disk_, random_, "second").Start();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("FingerprintMismatch: journal position"));
  disk_.Kill();
  EXPECT_TRUE(Live("first", kAll).ok());
}

INSTANTIATE_TEST_SUITE_P(Seeds, FingerprintTest, testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace streamml::sim
