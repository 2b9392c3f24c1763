// onError: {policy: fail}: the job ends at the bad record, with everything before it.
#include <signal.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "tests/worker/cli/command_fixture.h"

namespace streamml::cli {
namespace {

using ::testing::HasSubstr;

constexpr int kRows = 3000;  // of each file; a third of the way there is a broken one

struct Variant {
  int lanes;
  const char* train;
  friend void PrintTo(const Variant& variant, std::ostream* out) {
    *out << variant.lanes << " lanes, " << variant.train;
  }
};
constexpr const char* kInline = "mode: inline";
// Who scores and who trains read from each other, and so end together.
constexpr const char* kApart = "mode: async, adopt: {policy: eventTime, every: 20s, lag: 1m}";

class BadRecordTest : public CommandTest, public testing::WithParamInterface<Variant> {
 protected:
  // The job with the policy, on the broken a.jsonl and a b.jsonl that is sound.
  void SetUp() override {
    MakeJob(kRows);
    const std::string job = Read("job.yaml");
    Write("job.yaml", absl::StrReplaceAll(
                          job, {{"    watermark:", "    onError: {policy: fail}\n    watermark:"},
                                {"lanes: 2", absl::StrCat("lanes: ", GetParam().lanes)},
                                {kInline, GetParam().train}}));
    Write("b.jsonl", absl::StrReplaceAll(Read("b.jsonl"), {{"{\"id\":broken}\n", ""}}));
  }
  // All lines of all parts, sorted.
  std::vector<std::string> AllScores(const std::string& data) {
    std::vector<std::string> lines;
    for (const auto& [path, text] : Outputs(data)) {
      if (!path.starts_with("scores/")) continue;
      const std::vector<std::string> part = absl::StrSplit(text, '\n', absl::SkipEmpty());
      lines.insert(lines.end(), part.begin(), part.end());
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  // Those of one part, which are written in event order: not the late rows of files.
  std::string Scores(const std::string& data) { return Outputs(data)["scores/part-00000.jsonl"]; }
};

TEST_P(BadRecordTest, WhatStandsBeforeItIsCommittedAndRunningAgainStopsThereAgain) {
  // What the rows before the bad record give: all of a that stands before it, and of b what is
  // older than a's watermark there.
  const CommandResult first = Run(RunArguments("data"));
  EXPECT_EQ(first.exit_code, 2) << first.out;
  EXPECT_THAT(first.err, HasSubstr(absl::StrCat("a.jsonl): record ", kRows / 3 + 1, " at byte")));
  const std::string scores = Scores("data");
  EXPECT_FALSE(scores.empty());
  for (int again = 0; again < 3; ++again) {
    const CommandResult next = Run(RunArguments("data"));
    EXPECT_EQ(next.exit_code, 2);
    EXPECT_EQ(next.err.substr(next.err.find("streamml: ")),
              first.err.substr(first.err.find("streamml: ")));
    EXPECT_EQ(Scores("data"), scores);
  }
  const CommandResult replay =
      Run({"replay", "job.yaml", "--all", "--bind", "payments=?.jsonl", "--data-dir", "data"});
  EXPECT_EQ(replay.exit_code, 0) << replay.out << replay.err;
}

TEST_P(BadRecordTest, OutputsAreThoseOfTheRowsBefore) {
  ASSERT_EQ(Run(RunArguments("data")).exit_code, 2);
  const std::string scores = Scores("data");
  // The same without the bad record and all behind it: its watermark ends where a's stood.
  const std::string a = Read("a.jsonl");
  Write("a.jsonl", a.substr(0, a.find("{\"id\":broken}")));
  ASSERT_EQ(Run(RunArguments("whole")).exit_code, 0);
  const std::string whole = Scores("whole");
  EXPECT_GT(scores.size(), 1000u);
  EXPECT_LT(scores.size(), whole.size());
  EXPECT_EQ(scores, whole.substr(0, scores.size()));
}

TEST_P(BadRecordTest, OutputsInEventOrderDoNotDependOnLanes) {
  ASSERT_EQ(Run(RunArguments("data")).exit_code, 2);
  Write("job.yaml", absl::StrReplaceAll(Read("job.yaml"),
                                        {{absl::StrCat("lanes: ", GetParam().lanes), "lanes: 3"}}));
  ASSERT_EQ(Run(RunArguments("other")).exit_code, 2);
  EXPECT_EQ(AllScores("data"), AllScores("other"));
}

TEST_P(BadRecordTest, AKillOnTheWayChangesNothing) {
  ASSERT_EQ(Run(RunArguments("undisturbed")).exit_code, 2);
  Start({"run", "job.yaml", "--bind", "payments=?.jsonl", "--data-dir", "data", "--stdout",
         "scores", "--commit-rows", "20"});
  ASSERT_TRUE(AwaitLine());
  Signal(SIGKILL);
  Finish();
  EXPECT_EQ(Run(RunArguments("data")).exit_code, 2);
  EXPECT_EQ(Scores("data"), Scores("undisturbed"));
}

INSTANTIATE_TEST_SUITE_P(Lanes, BadRecordTest,
                         testing::Values(Variant{1, kInline}, Variant{2, kInline},
                                         Variant{4, kInline}, Variant{1, kApart},
                                         Variant{2, kApart}));

}  // namespace
}  // namespace streamml::cli
