// Signals while a job runs. The moment is that of the first row of output, so no test waits for a
// clock.
#include <signal.h>

#include "gmock/gmock.h"
#include "tests/worker/cli/command_fixture.h"

namespace streamml::cli {
namespace {

using ::testing::HasSubstr;

// Many small commits: far from its end when its first row is out.
std::vector<std::string> Slow(const std::string& data) {
  return {
      "run",    "job.yaml",      "--bind", "payments=?.jsonl",    "--data-dir", data, "--stdout",
      "scores", "--commit-rows", "20",     "--snapshot-interval", "0s"};
}

constexpr int kManyRows = 30'000;  // of each file: most are still to come when the first is scored

class SignalTest : public CommandTest, public testing::WithParamInterface<int> {};

TEST_P(SignalTest, StopsInOrder) {
  MakeJob(kManyRows);
  Start(Slow("data"));
  ASSERT_TRUE(AwaitLine());
  Signal(GetParam());
  EXPECT_EQ(Finish(), 0);
  EXPECT_THAT(Read(".started-err"), HasSubstr("tiny: stopped before the end"));
}

INSTANTIATE_TEST_SUITE_P(Signals, SignalTest, testing::Values(SIGTERM, SIGINT, SIGHUP));

TEST_F(CommandTest, StoppedRunGoesOnToTheSameOutputs) {
  MakeJob(kManyRows);
  ASSERT_EQ(Run(RunArguments("undisturbed")).exit_code, 0);
  Start(Slow("data"));
  ASSERT_TRUE(AwaitLine());
  Signal(SIGTERM);
  EXPECT_EQ(Finish(), 0);
  EXPECT_NE(Outputs("data"), Outputs("undisturbed"));
  const CommandResult rest = Run(RunArguments("data"));
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_THAT(rest.out, HasSubstr("tiny: finished\n"));
  EXPECT_EQ(Outputs("data"), Outputs("undisturbed"));
}

TEST_F(CommandTest, AStoppedReplaySaysThatItIsNotWhole) {
  MakeJob(kManyRows);
  ASSERT_EQ(Run(RunArguments("data")).exit_code, 0);
  const auto outputs = Outputs("data");
  Start({"replay", "job.yaml", "--all", "--bind", "payments=?.jsonl", "--data-dir", "data"});
  ASSERT_TRUE(AwaitLine());
  Signal(SIGTERM);
  EXPECT_EQ(Finish(), 1);
  EXPECT_THAT(Read(".started-err"), HasSubstr("the replay was stopped in lane payments[0]"));
  EXPECT_EQ(Outputs("data"), outputs);
}

TEST_F(CommandTest, KilledRunGoesOnToTheSameOutputsAndReplays) {
  MakeJob(12'000);
  ASSERT_EQ(Run(RunArguments("undisturbed")).exit_code, 0);
  Start(Slow("data"));
  ASSERT_TRUE(AwaitLine());
  Signal(SIGKILL);
  EXPECT_EQ(Finish(), -SIGKILL);
  const CommandResult rest = Run(RunArguments("data"));
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(Outputs("data"), Outputs("undisturbed"));
  const CommandResult replay =
      Run({"replay", "job.yaml", "--all", "--bind", "payments=?.jsonl", "--data-dir", "data"});
  EXPECT_EQ(replay.exit_code, 0) << replay.out << replay.err;
}

TEST_F(CommandTest, AReaderOfTheRowsWhoLeavesDoesNotEndTheJob) {
  MakeJob(1000);
  ASSERT_EQ(Run(RunArguments("undisturbed")).exit_code, 0);
  Start(Slow("data"));
  ASSERT_TRUE(AwaitLine());
  EXPECT_EQ(Leave(), 0);
  EXPECT_EQ(Outputs("data"), Outputs("undisturbed"));
}

}  // namespace
}  // namespace streamml::cli
