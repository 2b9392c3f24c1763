// A wish to stop while a lane is opened or replayed: it ends soon, wherever it is, and nothing is
// lost.

#include <gtest/gtest.h>

#include "base/status.h"
#include "tests/sim/process.h"
#include "tests/sim/world.h"
#include "worker/lane/replay.h"
#include "worker/log/file/file_log.h"
#include "worker/state/plain_snapshots.h"

namespace streamml::sim {
namespace {

using support::ModelDisk;
using support::Random;

constexpr char kLog[] = "data/log";

// Says so from the given question on.
class Stop {
 public:
  explicit Stop(int num_questions) : num_questions_(num_questions) {}
  lane::StopFunction function() {
    return [this] { return ++asked_ > num_questions_; };
  }
  // Questions after the first that was answered with yes.
  int num_ignored() const { return asked_ - num_questions_ - 1; }

 private:
  const int num_questions_;
  int asked_ = 0;
};

class StopTest : public testing::Test {
 protected:
  void SetUp() override {
    WorldOptions options;
    options.num_rows = 300;
    world_ = *World::Make(3, options);
  }
  absl::StatusOr<Outcome> Run(ModelDisk& disk, int num_actions) {
    Process process(*world_, disk, random_);
    RETURN_IF_ERROR(process.Start());
    for (int i = 0; i < num_actions && !process.finished(); ++i) RETURN_IF_ERROR(process.Act());
    return process.Collect();
  }
  std::unique_ptr<log::Log> OpenLog() {
    std::vector<std::string> notes;
    auto log = log::OpenFileLog(disk_, kLog, static_cast<uint32_t>(world_->plan().lanes.size()), {},
                                notes);
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }
  absl::Status OpenLane(uint32_t index, const lane::StopFunction& stop) {
    const std::unique_ptr<log::Log> log = OpenLog();
    const auto snapshots = state::MakePlainSnapshots(disk_, absl::StrCat("data/snapshots-", index));
    std::vector<std::string> notes;
    const auto background = lane::MakeThreadRunner();
    const lane::LaneEnvironment environment{
        disk_, *log, *snapshots, *background, "data", "sim", "sim", world_->plan().job_hash, stop};
    ASSIGN_OR_RETURN(lane::LaneSpec spec, plan::MakeLaneSpec(world_->plan(), index, *log));
    return lane::Lane::Open(std::move(spec), environment, notes).status();
  }

  static constexpr int kAll = 100'000;
  std::unique_ptr<World> world_;
  Random random_{1};
  ModelDisk disk_;
};

TEST_F(StopTest, OpeningALaneEndsAtTheNextQuestionAndLosesNothing) {
  ModelDisk undisturbed;
  const auto expected = Run(undisturbed, kAll);
  ASSERT_TRUE(Run(disk_, 120).ok());
  disk_.Kill();
  for (uint32_t index = 0; index < world_->plan().lanes.size(); ++index) {
    int num_stopped = 0;
    for (int num_questions = 0; num_questions < 4000; ++num_questions) {
      Stop stop(num_questions);
      const absl::Status status = OpenLane(index, stop.function());
      disk_.Kill();
      if (status.ok()) break;
      ASSERT_TRUE(absl::IsCancelled(status)) << status;
      EXPECT_EQ(stop.num_ignored(), 0);
      ++num_stopped;
    }
    EXPECT_GT(num_stopped, 5) << "lane " << index;
  }
  const auto outcome = Run(disk_, kAll);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(Difference(*expected, *outcome), "");
}

TEST_F(StopTest, AReplayEndsAtTheNextQuestion) {
  ASSERT_TRUE(Run(disk_, 120).ok());
  disk_.Kill();
  const std::unique_ptr<log::Log> log = OpenLog();
  const auto spec = plan::MakeLaneSpec(world_->plan(), 0, *log);
  ASSERT_TRUE(spec.ok());
  for (const int num_questions : {0, 1, 2, 5, 10, 20}) {
    Stop stop(num_questions);
    lane::ReplayOptions options;
    options.fingerprint = "sim";
    options.job_hash = world_->plan().job_hash;
    options.stop = stop.function();
    const auto result = lane::Replay(*spec, *log, options);
    EXPECT_TRUE(absl::IsCancelled(result.status())) << result.status();
    EXPECT_EQ(stop.num_ignored(), 0);
  }
}

TEST_F(StopTest, HashingOfInputsEndsAtTheNextBlock) {
  const std::unique_ptr<log::Log> log = OpenLog();
  Stop stop(0);
  const auto spec = plan::MakeLaneSpec(world_->plan(), 0, *log, stop.function());
  EXPECT_TRUE(absl::IsCancelled(spec.status())) << spec.status();
  EXPECT_EQ(stop.num_ignored(), 0);
}

}  // namespace
}  // namespace streamml::sim
