// What the program says to somebody who is new to it, or mistaken.
#include "gmock/gmock.h"
#include "tests/worker/cli/command_fixture.h"

namespace streamml::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFileJob = R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: tiny}
spec:
  sources:
  - name: events
    file: events.jsonl
    format: json
    columns:
    - {name: id, type: bigint}
  sinks:
  - {name: out, from: events}
)";

class GuidanceTest : public CommandTest {};

TEST_F(GuidanceTest, HelpIsACommandToo) {
  EXPECT_THAT(Run({"help"}).out, HasSubstr("Exit codes:"));
  const CommandResult run = Run({"help", "run"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.out, HasSubstr("--data-dir"));
}

TEST_F(GuidanceTest, AManifestIsValidWhereItsFilesAreMissing) {
  Write("job.yaml", kFileJob);
  const CommandResult named = Run({"validate", "job.yaml"});
  EXPECT_EQ(named.exit_code, 0);
  EXPECT_EQ(named.out, "job.yaml: valid\n");
  EXPECT_THAT(named.err, AllOf(HasSubstr("job.yaml:7:11: spec.sources[events].file: warning: "),
                               HasSubstr("events.jsonl")));
  const CommandResult bound = Run({"validate", "job.yaml", "--bind", "events=none.jsonl"});
  EXPECT_EQ(bound.exit_code, 2);
  EXPECT_THAT(bound.err, HasSubstr("--bind events=none.jsonl: "));
  EXPECT_EQ(Run({"explain", "job.yaml"}).exit_code, 0);
  EXPECT_EQ(Run({"run", "job.yaml"}).exit_code, 2);
}

TEST_F(GuidanceTest, ValidateSaysWhatItDidNotCheck) {
  Write("job.yaml", std::string(kFileJob) + "  odd: 1\n");
  EXPECT_THAT(Run({"validate", "job.yaml"}).err,
              HasSubstr("\n1 mistake, 0 not built yet; names, paths, SQL, learners and metrics are "
                        "checked once these are mended"));
}

TEST_F(GuidanceTest, AFileIsNoDataFolder) {
  Write("job.yaml", kFileJob);
  Write("events.jsonl", "{\"id\":1}\n");
  Write("taken", "");
  for (const std::string folder : {"taken", "taken/below"}) {
    const CommandResult result = Run({"run", "job.yaml", "--data-dir", folder});
    EXPECT_EQ(result.exit_code, 2) << folder;
    EXPECT_THAT(result.err, AllOf(HasSubstr("taken' is not a folder"), Not(HasSubstr("again"))));
  }
}

TEST_F(GuidanceTest, ASourceThatCannotBeReadIsNotPassedOverInSilence) {
  Write("job.yaml", kFileJob);
  Write("events.jsonl", "{\"id\":1}\n{\"id\":\"x\"}\n{\"id\":2}\n");
  const CommandResult result =
      Run({"run", "job.yaml", "--data-dir", "data", "--summary", "s.json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("WARNING: 1 of 3 records of source 'events' are dead; the first: "),
                    HasSubstr("events.jsonl, record 1 at byte 9)")));
  EXPECT_THAT(Read("s.json"), HasSubstr("\"warnings\": [\n    \"1 of 3 records"));
}

TEST_F(GuidanceTest, ATopicIsExplainedAsATopic) {
  std::string job = kFileJob;
  job.replace(job.find("    file: events.jsonl"), 22, "    topic: in\n    cluster: main");
  job.replace(job.find("from: events"), 12, "from: events, cluster: main, topic: results");
  Write("job.yaml", job +
                        "  log: {cluster: main}\n  clusters:\n  - {name: main, kafka: "
                        "{brokers: \"nowhere.invalid:9092\"}}\n");
  EXPECT_EQ(Run({"validate", "job.yaml"}).out, "job.yaml: valid\n");
  EXPECT_THAT(Run({"explain", "job.yaml"}).out,
              AllOf(HasSubstr("reads source events: topic in of cluster main"),
                    HasSubstr("sink out: JSON in topic results\n"), Not(HasSubstr("1 file,"))));
}

}  // namespace
}  // namespace streamml::cli
