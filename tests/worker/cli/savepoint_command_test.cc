// Savepoints of a job on files, from the outside: taken in the middle, restored elsewhere.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "tests/worker/cli/command_fixture.h"

namespace streamml::cli {
namespace {

using ::testing::HasSubstr;

class SavepointCommandTest : public CommandTest {
 protected:
  // The whole run in "whole", one that was stopped in the middle in "part", with a savepoint of it.
  // So many rows that it is stopped before its end.
  void TakeInTheMiddle(const std::string& train, int num_rows = 80'000) {
    MakeJob(num_rows);
    std::string job = Read("job.yaml");
    const std::string mode = "mode: inline";
    job.replace(job.find(mode), mode.size(), train);
    Write("job.yaml", job);
    Write("restored.yaml",
          job + "  restoreFrom: {savepoint: middle, store: " + Path("backup") + "}\n");
    ASSERT_EQ(Run(RunArguments("whole")).exit_code, 0);
    Start(RunArguments(
        "part", {"--stdout", "scores", "--commit-rows", "50", "--summary", Path("part.json")}));
    ASSERT_TRUE(AwaitLine());
    Signal(SIGTERM);
    ASSERT_EQ(Finish(), 0);
    const CommandResult taken = Run(Savepoint({"middle", "--data-dir", "part"}));
    ASSERT_EQ(taken.exit_code, 0) << taken.err;
    EXPECT_THAT(taken.out, HasSubstr("savepoint middle: "));
  }
  std::vector<std::string> Savepoint(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"savepoint",    "job.yaml", "--store",
                                          Path("backup"), "--bind",   "payments=?.jsonl"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  CommandResult Restore(const std::string& data,
                        const std::string& manifest = "restored.yaml") const {
    return Run({"run", manifest, "--bind", "payments=?.jsonl", "--data-dir", data, "--summary",
                Path("summary.json")});
  }
  // What "whole" has and "part" had not.
  std::map<std::string, std::string> Rest() const {
    const std::map<std::string, std::string> part = Outputs("part");
    std::map<std::string, std::string> rest = Outputs("whole");
    for (auto& [path, text] : rest) {
      const auto before = part.find(path);
      if (before == part.end()) continue;
      EXPECT_TRUE(text.starts_with(before->second)) << path;
      text = text.substr(before->second.size());
    }
    return rest;
  }
  // Of files that may be left out when they are empty.
  static void DropEmpty(std::map<std::string, std::string>& files) {
    std::erase_if(files, [](const auto& file) { return file.second.empty(); });
  }
  void ExpectRest(const std::string& data) const {
    std::map<std::string, std::string> seen = Outputs(data);
    std::map<std::string, std::string> rest = Rest();
    DropEmpty(seen);
    DropEmpty(rest);
    EXPECT_FALSE(rest.empty());
    EXPECT_TRUE(seen == rest);
  }
};

TEST_F(SavepointCommandTest, RestoredJobWritesWhatCameAfterTheSavepoint) {
  TakeInTheMiddle("mode: inline");
  const CommandResult restored = Restore("again");
  ASSERT_EQ(restored.exit_code, 0) << restored.err;
  EXPECT_THAT(restored.err, HasSubstr("savepoint 'middle'"));
  EXPECT_THAT(Read("summary.json"), HasSubstr("\"addsUp\": true"));
  ExpectRest("again");
  // Neither once more, nor without the savepoint.
  EXPECT_EQ(Restore("again").exit_code, 0);
  EXPECT_EQ(Run(Savepoint({"--remove", "middle"})).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(Path("backup/tiny/savepoints/middle.objects/")) &&
               !std::filesystem::is_empty(Path("backup/tiny/savepoints/middle.objects/")));
  EXPECT_EQ(Restore("again").exit_code, 0);
  ExpectRest("again");
  const CommandResult replay = Run(
      {"replay", "restored.yaml", "--all", "--bind", "payments=?.jsonl", "--data-dir", "again"});
  EXPECT_EQ(replay.exit_code, 0) << replay.err << replay.out;
  const CommandResult missing = Restore("third");
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("savepoint 'middle'"));
}

TEST_F(SavepointCommandTest, ModelsThatAreTrainedApartGoOnToo) {
  TakeInTheMiddle("mode: async, adopt: {policy: eventTime, every: 1m, lag: 1m}", 4000);
  const CommandResult restored = Restore("again");
  ASSERT_EQ(restored.exit_code, 0) << restored.err;
  EXPECT_THAT(Read("summary.json"), HasSubstr("\"addsUp\": true"));
  ExpectRest("again");
}

// No version is due in all of the run: without a savepoint all is scored by the empty model.
TEST_F(SavepointCommandTest, ScorersRestoreWhatTheTrainerHadLearned) {
  TakeInTheMiddle("mode: async, adopt: {policy: asap, every: 365d}");
  const auto part = nlohmann::json::parse(Read("part.json"));
  const uint64_t examples = part["models"][0]["examples"];
  ASSERT_GT(examples, 0u);
  const CommandResult restored = Restore("again");
  ASSERT_EQ(restored.exit_code, 0) << restored.err;
  EXPECT_THAT(Read("summary.json"), HasSubstr("\"addsUp\": true"));
  size_t num_scores = 0;
  for (const auto& [path, text] : Outputs("again")) {
    if (!path.starts_with("scores/")) continue;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line); ++num_scores) {
      ASSERT_EQ(nlohmann::json::parse(line)["model_version"], examples) << line;
    }
  }
  EXPECT_GT(num_scores, 0u);
}

TEST_F(SavepointCommandTest, WhatDoesNotFitIsRefused) {
  TakeInTheMiddle("mode: inline");
  const CommandResult taken = Run(Savepoint({"middle", "--data-dir", "part"}));
  EXPECT_NE(taken.exit_code, 0);
  EXPECT_THAT(taken.err, HasSubstr("there already"));
  EXPECT_THAT(Run(Savepoint({"--list"})).out, HasSubstr("middle  20"));
  EXPECT_EQ(Run(Savepoint({"Middle!", "--data-dir", "part"})).exit_code, 2);

  const CommandResult began = Restore("part");
  EXPECT_EQ(began.exit_code, 4);
  EXPECT_THAT(began.err, HasSubstr("has begun without it"));

  std::string other = Read("restored.yaml");
  const std::string lanes = "workers: {lanes: 2}";
  other.replace(other.find(lanes), lanes.size(), "workers: {lanes: 3}");
  Write("other.yaml", other);
  const CommandResult lane = Restore("lanes", "other.yaml");
  EXPECT_EQ(lane.exit_code, 4) << lane.err;
  other = Read("restored.yaml");
  const std::string minutes = "INTERVAL '";
  other.insert(other.find(minutes) + minutes.size(), "1");
  Write("other.yaml", other);
  const CommandResult sql = Restore("sql", "other.yaml");
  EXPECT_EQ(sql.exit_code, 4) << sql.err;
  EXPECT_THAT(sql.err, HasSubstr("savepoint 'middle'"));

  for (const auto& entry : std::filesystem::recursive_directory_iterator(Path("backup"))) {
    if (entry.path().string().find(".objects/") == std::string::npos) continue;
    std::ofstream(entry.path(), std::ios::binary | std::ios::app) << "x";
  }
  const CommandResult damaged = Restore("damaged");
  EXPECT_EQ(damaged.exit_code, 3) << damaged.err;
  EXPECT_THAT(damaged.err, HasSubstr("savepoint 'middle'"));
}

}  // namespace
}  // namespace streamml::cli
