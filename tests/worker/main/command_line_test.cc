#include "worker/main/command_line.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "worker/cli/exit_code.h"

namespace streamml::worker {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

WorkerParse Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "streamml-worker");
  return ParseWorkerLine(static_cast<int>(arguments.size()), arguments.data());
}

TEST(WorkerLineTest, TakesItsFlags) {
  const WorkerParse result = Parse({"--name",
                                    "w",
                                    "--data-dir",
                                    "d",
                                    "--listen",
                                    "127.0.0.1:0",
                                    "--http",
                                    "127.0.0.1:1",
                                    "--tls-ca",
                                    "a",
                                    "--tls-cert",
                                    "b",
                                    "--tls-key",
                                    "c",
                                    "--grace",
                                    "3s",
                                    "--commit-rows",
                                    "7",
                                    "--commit-interval",
                                    "20ms",
                                    "--snapshot-interval",
                                    "1s"});
  ASSERT_FALSE(result.exit_code.has_value());
  EXPECT_EQ(result.line.name, "w");
  EXPECT_EQ(result.line.data_dir, "d");
  EXPECT_EQ(result.line.server.address, "127.0.0.1:0");
  EXPECT_EQ(result.line.http, "127.0.0.1:1");
  EXPECT_EQ(result.line.server.tls.ca, "a");
  EXPECT_EQ(result.line.server.tls.certificate, "b");
  EXPECT_EQ(result.line.server.tls.key, "c");
  EXPECT_EQ(result.line.grace_us, 3'000'000);
  EXPECT_EQ(result.line.commit_rows, 7u);
  EXPECT_EQ(result.line.commit_interval_us, 20'000);
  EXPECT_EQ(result.line.snapshot_interval_us, 1'000'000);
  EXPECT_FALSE(result.line.server.allow_plaintext);
}

TEST(WorkerLineTest, MistakesHaveTheExitCodeOfUsage) {
  testing::internal::CaptureStderr();
  for (const std::vector<const char*>& arguments :
       {std::vector<const char*>{},
        {"--name", "w", "--data-dir", "d"},
        {"--name", "w", "--data-dir", "d", "--listen", "127.0.0.1:0", "--fast"},
        {"--name", "w", "--data-dir", "d", "--listen", "127.0.0.1:0", "--grace", "3"}}) {
    EXPECT_EQ(Parse(arguments).exit_code, cli::kExitUsage) << testing::PrintToString(arguments);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("--listen is required"), HasSubstr("--fast")));
}

TEST(WorkerLineTest, HelpShowsExitCodesAndExamples) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(Parse({"--help"}).exit_code, cli::kExitDone);
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              AllOf(HasSubstr("Exit codes"), HasSubstr("  streamml-worker --name worker-0")));
}

}  // namespace
}  // namespace streamml::worker
