#include "worker/cli/command_line.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "worker/cli/exit_code.h"

namespace streamml::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ParseResult Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "streamml");
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

TEST(CommandLineTest, RunTakesItsFlags) {
  const ParseResult result =
      Parse({"run", "job.yaml", "--bind", "a=x", "--bind", "b=y", "--data-dir", "d", "--summary",
             "s.json", "--commit-rows", "7", "--commit-interval", "20ms", "--snapshot-interval",
             "3s", "--stdout", "scores"});
  ASSERT_FALSE(result.exit_code.has_value());
  EXPECT_EQ(result.line.command, Command::kRun);
  EXPECT_EQ(result.line.job, "job.yaml");
  EXPECT_THAT(result.line.bindings, ElementsAre("a=x", "b=y"));
  EXPECT_EQ(result.line.data_dir, "d");
  EXPECT_EQ(result.line.summary, "s.json");
  EXPECT_EQ(result.line.print_sink, "scores");
  EXPECT_EQ(result.line.commit_rows, 7u);
  EXPECT_EQ(result.line.commit_interval_us, 20'000);
  EXPECT_EQ(result.line.snapshot_interval_us, 3'000'000);
}

TEST(CommandLineTest, AnOptionTakesOneWordAndLeavesTheNext) {
  const CommandLine line = Parse({"run", "--bind", "a=b", "job.yaml", "--bind", "c=d"}).line;
  EXPECT_EQ(line.job, "job.yaml");
  EXPECT_EQ(line.bindings, (std::vector<std::string>{"a=b", "c=d"}));
}

TEST(CommandLineTest, AClusterIsRunOrTold) {
  CommandLine line =
      Parse({"cluster", "job.yaml", "--workers", "3", "--standby", "--data-dir", "d"}).line;
  EXPECT_EQ(line.command, Command::kCluster);
  EXPECT_EQ(line.cluster_action, ClusterAction::kRun);
  EXPECT_EQ(line.workers, 3u);
  EXPECT_TRUE(line.standby);
  line = Parse({"cluster", "job.yaml", "--resize", "5"}).line;
  EXPECT_EQ(line.cluster_action, ClusterAction::kResize);
  EXPECT_EQ(line.workers, 5u);
  line = Parse({"cluster", "job.yaml", "--upgrade", "/new/streamml"}).line;
  EXPECT_EQ(line.cluster_action, ClusterAction::kUpgrade);
  EXPECT_EQ(line.program, "/new/streamml");
  line = Parse({"cluster", "job.yaml", "--status", "--json"}).line;
  EXPECT_EQ(line.cluster_action, ClusterAction::kStatus);
  EXPECT_TRUE(line.json);
  line = Parse({"cluster", "job.yaml", "--snapshot", "--json"}).line;
  EXPECT_EQ(line.cluster_action, ClusterAction::kSnapshot);
  EXPECT_TRUE(line.json);
  EXPECT_EQ(Parse({"cluster", "job.yaml", "--stop"}).line.cluster_action, ClusterAction::kStop);
}

TEST(CommandLineTest, MistakesHaveTheExitCodeOfUsage) {
  testing::internal::CaptureStderr();
  for (const std::vector<const char*>& arguments :
       {std::vector<const char*>{},
        {"fly"},
        {"run"},
        {"run", "job.yaml", "--fast"},
        {"run", "job.yaml", "--commit-rows", "-1"},
        {"run", "job.yaml", "--commit-interval", "100"},
        {"cluster", "job.yaml"},
        {"cluster", "job.yaml", "--workers", "0"},
        {"cluster", "job.yaml", "--workers", "65"},
        {"cluster", "job.yaml", "--resize", "0"},
        {"cluster", "job.yaml", "--upgrade", ""},
        {"cluster", "job.yaml", "--upgrade", "/new/streamml", "--stop"},
        {"cluster", "job.yaml", "--workers", "2", "--stop"},
        {"cluster", "job.yaml", "--stop", "--status"},
        {"cluster", "job.yaml", "--standby", "--stop"},
        {"cluster", "job.yaml", "--stop", "--json"},
        {"cluster", "job.yaml", "--snapshot", "--status"},
        {"cluster", "job.yaml", "--workers", "2", "--json"},
        {"validate", "job.yaml", "--data-dir", "x"}}) {
    EXPECT_EQ(Parse(arguments).exit_code, kExitUsage) << testing::PrintToString(arguments);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("--fast"));
}

TEST(CommandLineTest, HelpShowsExitCodesAndAnExampleOfEachCommand) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(Parse({"--help"}).exit_code, kExitDone);
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              AllOf(HasSubstr("Exit codes"), HasSubstr("streamml run job.yaml")));
  for (const char* command : {"run", "cluster", "validate", "explain", "replay", "version"}) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(Parse({command, "--help"}).exit_code, kExitDone);
    EXPECT_THAT(testing::internal::GetCapturedStdout(),
                HasSubstr(std::string("  streamml ") + command));
  }
}

std::string Refusal(const std::vector<const char*>& arguments) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(Parse(arguments).exit_code, kExitUsage);
  return testing::internal::GetCapturedStderr();
}

TEST(CommandLineTest, NoOptionIsSilentlyIgnored) {
  const std::vector<std::vector<const char*>> mistakes = {
      {"run", "job.yaml", "--data-dir", "a", "--data-dir", "b"},
      {"run", "job.yaml", "--summary", "a", "--summary", "b"},
      {"run", "job.yaml", "--commit-interval", "1s", "--commit-interval", "2s"},
      {"replay", "job.yaml", "--data-dir", ""},
      {"run", "job.yaml", "--data-dir", ""},
      {"run", "job.yaml", "--data-dir="},
      {"run", "job.yaml", "--summary", ""},
      {"run", "job.yaml", "--stdout", ""}};
  for (const std::vector<const char*>& arguments : mistakes) {
    const std::string option = std::string(arguments[2]).substr(0, 10);
    EXPECT_THAT(Refusal(arguments), HasSubstr(option.substr(0, option.find('='))))
        << testing::PrintToString(arguments);
  }
}

TEST(CommandLineTest, UnknownWordsAreNamedWithTheNearestKnownOne) {
  EXPECT_THAT(
      Refusal({"rnu", "job.yaml"}),
      HasSubstr(
          "unknown command 'rnu'; did you mean 'run'?; commands are run, cluster, savepoint,"));
  EXPECT_THAT(
      Refusal({"run", "job.yaml", "--datadir", "x"}),
      HasSubstr("run: unknown option '--datadir'; did you mean '--data-dir'?; options are"));
  EXPECT_THAT(Refusal({"run", "job.yaml", "--sumary=x"}), HasSubstr("did you mean '--summary'?"));
  EXPECT_THAT(Refusal({"run", "job.yaml", "other.yaml"}),
              HasSubstr("run: one word too many: 'other.yaml'"));
  EXPECT_THAT(Refusal({"run"}), HasSubstr("JOB is required"));
}

TEST(ExitCodeTest, TellsWhoMustAct) {
  EXPECT_EQ(ExitCode(absl::OkStatus()), kExitDone);
  EXPECT_EQ(ExitCode(absl::InvalidArgumentError("")), kExitUsage);
  EXPECT_EQ(ExitCode(absl::NotFoundError("")), kExitUsage);
  EXPECT_EQ(ExitCode(absl::DataLossError("")), kExitUntrusted);
  EXPECT_EQ(ExitCode(absl::FailedPreconditionError("")), kExitOtherOwner);
  EXPECT_EQ(ExitCode(absl::AbortedError("")), kExitOtherOwner);
  EXPECT_EQ(ExitCode(absl::ResourceExhaustedError("")), kExitFailed);
  EXPECT_EQ(ExitCode(absl::UnavailableError("")), kExitFailed);
  EXPECT_THAT(ErrorText(absl::ResourceExhaustedError("no space")),
              AllOf(HasSubstr("no space"), HasSubstr("nothing that was committed is lost")));
}

}  // namespace
}  // namespace streamml::cli
