// Taking a lane over by an assignment (I4): who has a stale one does not disturb the owner.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/sim/seeded_background.h"
#include "tests/sim/world.h"
#include "tests/support/model_disk.h"
#include "worker/lane/lane.h"
#include "worker/log/file/file_log.h"
#include "worker/state/plain_snapshots.h"

namespace streamml::sim {
namespace {

// Counts how often somebody was shut out.
class CountingLog final : public log::Log {
 public:
  explicit CountingLog(log::Log& log) : log_(log) {}
  int num_opened() const { return num_opened_; }

  absl::StatusOr<std::unique_ptr<log::LaneWriter>> OpenLane(uint32_t lane) override {
    ++num_opened_;
    return log_.OpenLane(lane);
  }
  absl::StatusOr<std::unique_ptr<log::JournalReader>> OpenJournal(
      uint32_t lane, const log::Position& start) override {
    return log_.OpenJournal(lane, start);
  }
  absl::StatusOr<std::unique_ptr<log::ChannelReader>> OpenChannel(
      const log::ChannelId& channel, const log::Position& start) override {
    return log_.OpenChannel(channel, start);
  }
  absl::StatusOr<std::optional<log::JournalEntry>> LastEntry(uint32_t lane) override {
    return log_.LastEntry(lane);
  }
  absl::Status Truncate(const log::Needs& needs) override { return log_.Truncate(needs); }
  uint64_t version() const override { return log_.version(); }
  void WaitForCommit(uint64_t seen, int64_t timeout_us) override {
    log_.WaitForCommit(seen, timeout_us);
  }

 private:
  log::Log& log_;
  int num_opened_ = 0;
};

class TakeOverTest : public testing::Test {
 protected:
  void SetUp() override {
    world_ = *World::Make(5, {});
    file_log_ = *log::OpenFileLog(disk_, "data/log",
                                  static_cast<uint32_t>(world_->plan().lanes.size()), {}, notes_);
    log_ = std::make_unique<CountingLog>(*file_log_);
  }
  absl::StatusOr<std::unique_ptr<lane::Lane>> Follow() {
    const lane::LaneEnvironment environment{disk_,  *log_,  *store_, background_,
                                            "data", "test", "test",  world_->plan().job_hash};
    return lane::Lane::Follow(*plan::MakeLaneSpec(world_->plan(), 0, *log_), environment, notes_);
  }

  std::vector<std::string> notes_;
  std::unique_ptr<World> world_;
  support::ModelDisk disk_;
  SeededBackground background_;
  std::unique_ptr<state::SnapshotStore> store_ = state::MakePlainSnapshots(disk_, "data/snapshots");
  std::unique_ptr<log::Log> file_log_;
  std::unique_ptr<CountingLog> log_;
};

TEST_F(TakeOverTest, AStaleAssignmentIsSeenBeforeAnybodyIsShutOut) {
  {
    auto owner = Follow();
    ASSERT_TRUE(owner.ok()) << owner.status();
    ASSERT_TRUE((*owner)->TakeOver(/*assignment=*/5, notes_).ok());
    ASSERT_TRUE((*owner)->Claim().ok());
    ASSERT_TRUE((*owner)->Advance(20).ok());
    ASSERT_TRUE((*owner)->Commit().ok());
  }
  EXPECT_EQ(log_->num_opened(), 1);
  auto late = Follow();
  ASSERT_TRUE(late.ok()) << late.status();
  const absl::Status stale = (*late)->TakeOver(/*assignment=*/4, notes_);
  EXPECT_TRUE(absl::IsAborted(stale)) << stale;
  EXPECT_EQ(log_->num_opened(), 1);
  auto next = Follow();
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE((*next)->TakeOver(/*assignment=*/6, notes_).ok());
  EXPECT_EQ(log_->num_opened(), 2);
}

}  // namespace
}  // namespace streamml::sim
