#include "tests/kill/killing_disk.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/posix_disk.h"
#include "tests/support/temporary_folder.h"

namespace streamml::kill {
namespace {

// What a life of streamml does, with two lanes: recovery, a commit, a snapshot.
void Live(const std::string& folder, const std::string& plan_text) {
  const std::string log = folder + "/.streamml/log";
  auto plan = ParseKillPlan(absl::StrCat(plan_text, ":", folder, "/report"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  const std::unique_ptr<Disk> disk = MakeKillingDisk(MakePosixDisk(), *std::move(plan));
  ASSERT_TRUE(disk->MakeDirectories(log).ok());
  const auto lock = disk->Lock(log + "/lock");
  std::vector<std::unique_ptr<AppendFile>> files;
  for (const char* lane : {"/lane-0", "/lane-1"}) {
    ASSERT_TRUE(disk->MakeDirectories(log + lane).ok());
  }
  for (const char* lane : {"/lane-0", "/lane-1"}) {
    auto file = disk->OpenForAppend(absl::StrCat(log, lane, "/0.log"));
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Append("header").ok() && (*file)->Sync().ok());
    ASSERT_TRUE((*file)->Append("claim!").ok() && (*file)->Sync().ok());
    files.push_back(*std::move(file));
  }
  ASSERT_TRUE(files[0]->Append("commit").ok() && files[0]->Sync().ok());
  ASSERT_TRUE(disk->MakeDirectories(folder + "/.streamml/lanes/0").ok());
}

class KillingDiskTest : public testing::Test {
 protected:
  // NOLINTNEXTLINE(readability-function-size): EXPECT_EXIT itself nests six levels.
  void ExpectDeath(const std::string& plan, const std::string& report) {
    EXPECT_EXIT(Live(folder_.path(), plan), testing::KilledBySignal(SIGKILL), "") << plan;
    const std::unique_ptr<Disk> disk = MakePosixDisk();
    const auto text = ReadWhole(*disk, folder_.path() + "/report");
    ASSERT_TRUE(text.ok()) << plan << " did not kill";
    EXPECT_EQ(*text, absl::StrCat(report, "\n"));
  }
  std::string Log(int lane) const {
    const std::unique_ptr<Disk> disk = MakePosixDisk();
    const auto text =
        ReadWhole(*disk, absl::StrCat(folder_.path(), "/.streamml/log/lane-", lane, "/0.log"));
    return text.ok() ? *text : "";
  }
  support::TemporaryFolder folder_;
};

TEST_F(KillingDiskTest, AnAppendCutInHalfLeavesHalfOfIt) {
  ExpectDeath("commit:1:half", absl::StrCat("commit\thalf\tappend\t", folder_.path(),
                                            "/.streamml/log/lane-0/0.log"));
  EXPECT_EQ(Log(0), "headerclaim!com");
}

TEST_F(KillingDiskTest, BeforeIsBeforeAndAfterIsAfter) {
  ExpectDeath("repair:9:after",
              absl::StrCat("repair\tafter\topen\t", folder_.path(), "/.streamml/log/lane-1/0.log"));
  EXPECT_EQ(Log(0), "headerclaim!");
  EXPECT_EQ(Log(1), "");
}

TEST_F(KillingDiskTest, RecoveryLastsUntilTheLastClaimIsDurable) {
  ExpectDeath("recovery:13:before", absl::StrCat("recovery\tbefore\tsync\t", folder_.path(),
                                                 "/.streamml/log/lane-1/0.log"));
  EXPECT_EQ(Log(1), "headerclaim!");
}

TEST_F(KillingDiskTest, FoldersOfLanesAreSnapshots) {
  ExpectDeath("snapshot:1:before", absl::StrCat("snapshot\tbefore\tmake directories\t",
                                                folder_.path(), "/.streamml/lanes/0"));
}

TEST_F(KillingDiskTest, APlanThatIsNeverReachedKillsNobody) {
  Live(folder_.path(), "commit:3:before");
  Live(folder_.path() + "/again", "recovery:14:before");
}

TEST(KillPlanTest, AnythingElseIsRefused) {
  for (const char* text : {"", "commit", "commit:0:half:r", "commit:1:never:r", "sleep:1:half:r",
                           "commit:x:half:r", "commit:1:half:", "commit:1:half"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseKillPlan(text).status())) << text;
  }
}

}  // namespace
}  // namespace streamml::kill
