// The program as its users see it: exit codes, texts and files.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "gmock/gmock.h"
#include "tests/worker/cli/command_fixture.h"

namespace streamml::cli {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(CommandTest, RunWritesOutputsAndASummaryWhoseSumsAddUp) {
  MakeJob(600);
  const CommandResult run = Run(RunArguments("data", {"--summary", "data/summary.json"}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("tiny: finished"), HasSubstr("1,202 rows, 2 late"),
                             HasSubstr("model scored"), HasSubstr("data/scores/"),
                             Not(HasSubstr("ADD UP"))));
  const auto summary = nlohmann::json::parse(Read("data/summary.json"));
  EXPECT_EQ(summary["rows"], 1202);
  EXPECT_EQ(summary["late"], 2);
  EXPECT_GT(summary["dead"], 2);  // broken records, and rows that divide by zero after the re-key
  EXPECT_EQ(summary["finished"], true);
  EXPECT_EQ(summary["accounting"]["addsUp"], true);
  EXPECT_EQ(summary["lanes"].size(), 5u);
  const uint64_t lines =
      static_cast<uint64_t>(std::ranges::count(Read("data/scores/part-00000.jsonl"), '\n'));
  EXPECT_EQ(summary["models"][0]["name"], "scored");
  EXPECT_EQ(summary["models"][0]["examples"], lines);
  EXPECT_TRUE(summary["models"][0]["metrics"]["auc"].is_number());
  EXPECT_EQ(Outputs("data").size(),
            6u + 1);  // dead and late parts of two lanes, failed rows of two, scores, summary
}

TEST_F(CommandTest, RunningAgainTellsTheSameWithoutWork) {
  MakeJob(300);
  ASSERT_EQ(Run(RunArguments("data", {"--summary", "first.json"})).exit_code, 0);
  const std::map<std::string, std::string> before = Outputs("data");
  const CommandResult again = Run(RunArguments("data", {"--summary", "again.json"}));
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("finished before, nothing to do"));
  EXPECT_EQ(Outputs("data"), before);
  auto first = nlohmann::json::parse(Read("first.json"));
  auto second = nlohmann::json::parse(Read("again.json"));
  for (const char* key : {"rows", "late", "dead", "models", "stages", "sinks", "accounting"}) {
    EXPECT_EQ(first[key], second[key]) << key;
  }
  for (size_t i = 0; i < first["lanes"].size(); ++i) {
    for (const char* key : {"journalPosition", "outputDigest", "stateDigest", "watermark"}) {
      EXPECT_EQ(first["lanes"][i][key], second["lanes"][i][key]) << key << " of lane " << i;
    }
  }
}

TEST_F(CommandTest, DataFolderIsNamedAfterTheJobByDefault) {
  MakeJob(20);
  ASSERT_EQ(Run({"run", "job.yaml", "--bind", "payments=?.jsonl"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(Path("tiny.data/.streamml/log/lock")));
}

TEST_F(CommandTest, ASinkWithoutRowsHasAnEmptyPart) {
  MakeJob(20);
  std::string job = Read("job.yaml");
  job.replace(job.find("- {name: scores, from: scored}"), 30,
              "- {name: scores, from: scored}\n  - {name: none, sql: \"SELECT id FROM payments "
              "WHERE id < 0\"}");
  Write("job.yaml", job);
  ASSERT_EQ(Run(RunArguments("data")).exit_code, 0);
  const auto outputs = Outputs("data");
  ASSERT_TRUE(outputs.contains("none/part-00000.jsonl"));
  EXPECT_EQ(outputs.at("none/part-00000.jsonl"), "");
  EXPECT_FALSE(outputs.contains("none/part-00001.jsonl"));  // one is enough for a pattern
  // Whatever is lost of the outputs comes back, also nothing.
  std::filesystem::remove_all(Path("data/none"));
  EXPECT_EQ(Run(RunArguments("data")).exit_code, 0);
  EXPECT_EQ(Outputs("data"), outputs);
  std::filesystem::remove_all(Path("data/none"));
  std::vector<std::string> replay = RunArguments("data", {"--all"});
  replay[0] = "replay";
  EXPECT_EQ(Run(replay).exit_code, 0);
  EXPECT_EQ(Outputs("data"), outputs);
}

TEST_F(CommandTest, TheFileOfASourceIsBesideTheManifest) {
  MakeJob(20);
  std::filesystem::create_directories(Path("jobs/x"));
  std::string job = Read("job.yaml");
  job.replace(job.find("topic: payments\n    cluster: main"), 33, "file: ?.jsonl");
  Write("jobs/x/job.yaml", job);
  std::filesystem::rename(Path("a.jsonl"), Path("jobs/x/a.jsonl"));
  const CommandResult run = Run({"run", "jobs/x/job.yaml", "--data-dir", "data"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("21 rows"));
}

TEST_F(CommandTest, RowsOfASinkAreAlsoPrinted) {
  MakeJob(200);
  const CommandResult run = Run(RunArguments("data", {"--stdout", "scores"}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, Read("data/scores/part-00000.jsonl"));
  EXPECT_THAT(run.err, HasSubstr("tiny: finished"));
  const CommandResult none = Run(RunArguments("data", {"--stdout", "score"}));
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, AllOf(HasSubstr("no such sink"), HasSubstr("scores")));
}

TEST_F(CommandTest, ValidateNamesEveryProblemWithItsPlace) {
  MakeJob(1);
  const CommandResult good = Run({"validate", "job.yaml"});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_EQ(good.out, "job.yaml: valid; run it with --bind payments=FILE\n");
  std::string job = Read("job.yaml");
  job.replace(job.find("amount > 10"), 11, "amuont > 10");
  Write("bad.yaml", job);
  const CommandResult sql = Run({"validate", "bad.yaml"});
  EXPECT_EQ(sql.exit_code, 2);
  EXPECT_THAT(sql.err, AllOf(ContainsRegex("bad.yaml:22:27: .*amuont"),
                             HasSubstr("\n1 mistake, 0 not built yet")));
  job.replace(job.find("mode: inline"), 12, "mode: async, labels: {early: true}");
  job.replace(job.find("score: features"), 15, "score: nothing");
  Write("worse.yaml", job);
  const CommandResult worse = Run({"validate", "worse.yaml"});
  EXPECT_EQ(worse.exit_code, 2);
  EXPECT_THAT(worse.err, AllOf(ContainsRegex("worse.yaml:26:12: .*nothing"),
                               HasSubstr("not built yet;"), HasSubstr("1 not built yet")));
}

TEST_F(CommandTest, ExplainShowsStagesLanesKeysAndBoundedState) {
  MakeJob(1);
  const CommandResult explain = Run({"explain", "job.yaml", "--bind", "payments=?.jsonl"});
  ASSERT_EQ(explain.exit_code, 0) << explain.err;
  EXPECT_THAT(
      explain.out,
      AllOf(HasSubstr("stage payments: 2 lanes"), HasSubstr("lane payments[1]: b.jsonl"),
            HasSubstr("re-key by card"), HasSubstr("key card"), HasSubstr("state features/window"),
            HasSubstr("numeric columns + at most 4,096 + 1"),
            HasSubstr("DATA_DIR/scores/part-*.jsonl"),
            HasSubstr("late rows go to DATA_DIR/payments.late/"), Not(HasSubstr("not known"))));
  EXPECT_EQ(Run({"explain", "job.yaml"}).exit_code, 0);
}

TEST_F(CommandTest, ExplainTellsOfLateRowsOnlyWhereThereAreAny) {
  Write("plain.yaml", R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: plain}
spec:
  sources:
  - {name: pages, file: a.jsonl, format: json, columns: [{name: x, type: text}]}
  sinks:
  - {name: out, from: pages}
)");
  const CommandResult explain = Run({"explain", "plain.yaml"});
  ASSERT_EQ(explain.exit_code, 0) << explain.err;
  EXPECT_THAT(explain.out, AllOf(HasSubstr("rows that fail go to DATA_DIR/pages.dead/"),
                                 Not(HasSubstr("late"))));
}

TEST_F(CommandTest, UnboundSourcesAndMissingFilesAreMistakesOfTheUser) {
  MakeJob(1);
  const CommandResult unbound = Run({"run", "job.yaml"});
  EXPECT_EQ(unbound.exit_code, 2);
  EXPECT_THAT(unbound.err, HasSubstr("--bind payments=FILE"));
  const CommandResult missing = Run({"run", "job.yaml", "--bind", "payments=none.jsonl"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("none.jsonl"));
  EXPECT_EQ(Run({"run", "nothing.yaml"}).exit_code, 2);
  EXPECT_EQ(Run(RunArguments("data", {"--summary", "no/such/folder/s.json"})).exit_code, 2);
}

TEST_F(CommandTest, ASecondProcessIsRefusedWhileTheFirstHoldsTheFolder) {
  MakeJob(20);
  ASSERT_EQ(Run(RunArguments("data")).exit_code, 0);
  const int lock = open(Path("data/.streamml/log/lock").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(lock, LOCK_EX | LOCK_NB), 0);
  for (const std::string command : {"run", "replay"}) {
    std::vector<std::string> arguments = RunArguments("data");
    arguments[0] = command;
    if (command == "replay") arguments.push_back("--all");
    const CommandResult second = Run(arguments);
    EXPECT_EQ(second.exit_code, 4) << command;
    EXPECT_THAT(second.err,
                AllOf(HasSubstr("data folder 'data' is in use"), HasSubstr("--data-dir")));
  }
  close(lock);
  EXPECT_EQ(Run(RunArguments("data")).exit_code, 0);
}

TEST_F(CommandTest, AFileWhereAFolderBelongsIsAMistakeOfTheUser) {
  MakeJob(20);
  for (const std::string file : {"data", "data2/.streamml", "data3/scores"}) {
    const std::string data = file.substr(0, file.find('/'));
    if (data != file) std::filesystem::create_directory(Path(data));
    Write(file, "a file where the folder should be");
    const CommandResult run = Run(RunArguments(data));
    EXPECT_EQ(run.exit_code, 2) << file;
    EXPECT_THAT(run.err, AllOf(HasSubstr(file), Not(HasSubstr("again"))));
    EXPECT_EQ(Read(file), "a file where the folder should be");
  }
}

// A job that had read such a file could not be opened again.
TEST_F(CommandTest, AnInputMayHaveAnyName) {
  MakeJob(20);
  const std::string name = "caf\xE9.jsonl";
  std::filesystem::rename(Path("b.jsonl"), Path(name));
  const std::vector<std::string> run = {
      "run",        "job.yaml",     "--bind",    "payments=" + name,
      "--data-dir", "caf\xE9.data", "--summary", "s.json"};
  ASSERT_EQ(Run(run).exit_code, 0);
  const CommandResult again = Run(run);
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(Run({"replay", "job.yaml", "--bind", "payments=" + name, "--data-dir", "caf\xE9.data",
                 "--all"})
                .exit_code,
            0);
  const std::string summary = Read("s.json");
  ASSERT_TRUE(nlohmann::json::accept(summary));
  EXPECT_THAT(summary, HasSubstr("caf\\\\xe9.data/scores/part-00000.jsonl"));
  std::stringstream dead(Outputs("caf\xE9.data").at("payments.dead/part-00000.jsonl"));
  std::string line;
  ASSERT_TRUE(std::getline(dead, line));
  EXPECT_EQ(nlohmann::json::parse(line)["partition"], "caf\\xe9.jsonl");
}

TEST_F(CommandTest, AnotherJobOrOtherInputIsRefused) {
  MakeJob(50);
  ASSERT_EQ(Run(RunArguments("data")).exit_code, 0);
  const std::string job = Read("job.yaml");
  std::string other = job;
  other.replace(other.find("hashBits: 12"), 12, "hashBits: 13");
  Write("job.yaml", other);
  const CommandResult changed = Run(RunArguments("data"));
  EXPECT_EQ(changed.exit_code, 4);
  EXPECT_THAT(changed.err, HasSubstr("another job"));
  Write("job.yaml", job);
  Write("a.jsonl", Read("a.jsonl") + "{}\n");
  const CommandResult grown = Run(RunArguments("data"));
  EXPECT_EQ(grown.exit_code, 4);
  EXPECT_THAT(grown.err, AllOf(HasSubstr("a.jsonl"), HasSubstr("has changed")));
}

TEST_F(CommandTest, AFullDiskLosesNothing) {
  MakeJob(2000);
  ASSERT_EQ(Run(RunArguments("undisturbed")).exit_code, 0);
  const CommandResult full =
      Run(RunArguments("data", {"--commit-rows", "300"}), /*file_limit_bytes=*/100'000);
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, AllOf(HasSubstr("nothing that was committed is lost"),
                              HasSubstr("run the same command again")));
  const CommandResult again = Run(RunArguments("data"));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(Outputs("data"), Outputs("undisturbed"));
}

// Once it replaced whatever it was given: an input, the manifest, a device.
TEST_F(CommandTest, ASummaryReplacesNothingButASummary) {
  MakeJob(50);
  const std::string input = Read("a.jsonl");
  const CommandResult refused = Run(RunArguments("data", {"--summary", "a.jsonl"}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("is no summary of an earlier run"));
  EXPECT_EQ(Read("a.jsonl"), input);
  EXPECT_EQ(Run(RunArguments("data", {"--summary", "s.json"})).exit_code, 0);
  EXPECT_EQ(Run(RunArguments("data", {"--summary", "s.json"})).exit_code, 0);
  EXPECT_EQ(Run(RunArguments("data", {"--summary", "/dev/null"})).exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(CommandTest, APlaceWhereNoSummaryCanBeIsRefusedBeforeTheWork) {
  MakeJob(20);
  Write("b.jsonl", "");
  std::filesystem::create_directory(Path("folder"));
  for (const std::string place :
       {"folder", "folder/", "/proc/s.json", "b.jsonl", "./b.jsonl", "data/scores/s.json",
        "data/payments.dead/s.json", "data/.streamml/s.json", "a.jsonl/s.json", "none/s.json"}) {
    const CommandResult run = Run(RunArguments("data", {"--summary", place}));
    EXPECT_EQ(run.exit_code, 2) << place << run.err;
    EXPECT_THAT(run.err, HasSubstr("--summary: '" + place + "'"));
  }
  EXPECT_FALSE(std::filesystem::exists(Path("data")));
  EXPECT_EQ(Run(RunArguments("data/", {"--summary", "data/s.json"})).exit_code, 0);
  EXPECT_EQ(Run(RunArguments("more/data", {"--summary", "more/s.json"})).exit_code, 0);
  EXPECT_EQ(Run({"run", "job.yaml", "--bind", "payments=?.jsonl", "--summary", "tiny.data/s.json"})
                .exit_code,
            0);
  for (const char* path : {"data/s.json", "more/s.json", "tiny.data/s.json"}) {
    EXPECT_TRUE(std::filesystem::exists(Path(path))) << path;
  }
}

TEST_F(CommandTest, VersionNamesTheFingerprint) {
  const CommandResult version = Run({"version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, ContainsRegex("fingerprint  1-[0-9a-f]+-utc"));
  EXPECT_THAT(version.err, IsEmpty());
  EXPECT_EQ(Run({"version"}).out, version.out);
}

}  // namespace
}  // namespace streamml::cli
