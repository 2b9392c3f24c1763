// Commands over the socket in a data folder, also one whose path is long.
#include "worker/cluster/desk.h"

#include <filesystem>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_folder.h"

namespace streamml::cluster {
namespace {

using ::testing::HasSubstr;

class DeskTest : public testing::TestWithParam<size_t> {
 protected:
  DeskTest() : data_dir_(folder_.path() + "/" + std::string(GetParam(), 'x')) {
    std::filesystem::create_directories(data_dir_ + "/.streamml");
  }
  support::TemporaryFolder folder_;
  const std::string data_dir_;
  Bell bell_;
  Desk desk_{bell_};
};

TEST_P(DeskTest, CommandsReachTheLoop) {
  EXPECT_EQ(AskStop(data_dir_).code(), absl::StatusCode::kNotFound);
  {
    const auto server = DeskServer::Start(data_dir_, desk_);
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_FALSE(desk_.TakeResize().has_value());
    ASSERT_TRUE(AskResize(data_dir_, 3).ok());
    EXPECT_EQ(desk_.TakeResize(), 3u);
    EXPECT_FALSE(desk_.TakeResize().has_value());
    EXPECT_EQ(AskResize(data_dir_, 65).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(desk_.TakeUpgrade().has_value());
    ASSERT_TRUE(AskUpgrade(data_dir_, "/bin/true").ok());
    EXPECT_EQ(desk_.TakeUpgrade(), "/bin/true");
    EXPECT_FALSE(desk_.TakeUpgrade().has_value());
    EXPECT_EQ(AskUpgrade(data_dir_, "/no/such").code(), absl::StatusCode::kInvalidArgument);
    std::thread loop([this] {
      while (!desk_.status_asked()) std::this_thread::yield();
      fleet::v1::StatusReply status;
      status.set_epoch(5);
      desk_.Answer(status);
    });
    const auto status = AskStatus(data_dir_);
    loop.join();
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(status->epoch(), 5u);
    EXPECT_FALSE(desk_.stop_asked());
    ASSERT_TRUE(AskStop(data_dir_).ok());
    EXPECT_TRUE(desk_.stop_asked());
  }
  EXPECT_THAT(std::string(AskStop(data_dir_).message()), HasSubstr("no cluster runs"));
}

INSTANTIATE_TEST_SUITE_P(ShortAndLong, DeskTest, testing::Values(4, 200));

}  // namespace
}  // namespace streamml::cluster
