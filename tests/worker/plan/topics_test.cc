// Jobs whose log is on Kafka: which topics are theirs, and what keeps lanes on one machine.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job/manifest/diagnostic.h"
#include "job/manifest/manifest.h"
#include "job/manifest/validate.h"
#include "tests/worker/plan/fake_topics.h"
#include "worker/plan/plan.h"

namespace streamml::plan {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kJob = R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: tiny}
spec:
  clusters: [{name: main, kafka: {brokers: "kafka:9092"}}]
  log: {cluster: main, partitions: 4}
  sources:
  - name: events
    topic: events
    cluster: main
    format: json
    columns:
    - {name: card, type: text}
    - {name: x, type: double precision}
    - {name: at, type: timestamp}
    watermark: {column: at}
  views:
  - name: features
    sql: |
      SELECT card, at, count(*) OVER w AS n FROM events
      WINDOW w AS (PARTITION BY card ORDER BY at RANGE INTERVAL '1 hour' PRECEDING)
  sinks:
  - {name: out, from: features, cluster: main, topic: out}
  workers: {lanes: 2}
)";

class TopicsPlanTest : public testing::Test {
 protected:
  // The job with `seen` in place of `right`.
  absl::StatusOr<JobPlan> Plan(std::string_view right = "", std::string_view seen = "",
                               const manifest::Bindings& files = {}) {
    const std::string text =
        right.empty() ? kJob : absl::StrReplaceAll(kJob, {{std::string(right), std::string(seen)}});
    auto parsed = manifest::Parse(text, "job.yaml");
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    manifest_ = *std::move(parsed);
    FileAccess access;
    access.list = [](const std::string& path) -> absl::StatusOr<std::vector<std::string>> {
      return std::vector<std::string>{path};
    };
    return MakePlan(
        manifest_, files, access,
        [this](const std::string&) -> absl::StatusOr<log::Topics*> { return &topics_; });
  }

  // What keeps the job that was planned last from workers that hand lanes over.
  std::string ForWorkers() const {
    const absl::Status status =
        manifest::ToStatus(manifest::ValidateForWorkers(manifest_), manifest_.file_name);
    return std::string(status.message());
  }

  FakeTopics topics_;
  manifest::Manifest manifest_;
};

TEST_F(TopicsPlanTest, RowsThatAreNoResultsGoToTopicsOfTheJob) {
  const auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->reject_topics,
              ElementsAre("events.dead", "events.late", "features.dead", "out.dead"));
  for (const StagePlan& stage : plan->stages) {
    for (const lane::SinkOutput& sink : stage.spec->sinks) {
      if (sink.node != lane::SinkOutput::kNoRows) continue;
      EXPECT_EQ(sink.topic, "streamml.tiny.1." + sink.name);
      EXPECT_EQ(sink.num_partitions, 1u);
    }
  }
  const std::string text = Explain(*plan);
  EXPECT_THAT(text, AllOf(HasSubstr("late rows go to topic streamml.tiny.1.events.late\n"),
                          HasSubstr("streamml.tiny.1.journal: 4 partition(s), kept whole"),
                          HasSubstr("streamml.tiny.1.events-to-features: 4 partition(s)"),
                          HasSubstr("streamml.tiny.1.features.dead: 1 partition(s), kept as the"),
                          Not(HasSubstr("DATA_DIR")), Not(HasSubstr("cannot leave"))));
}

// The check before planning and the plan agree: nothing else binds a lane to a machine.
TEST_F(TopicsPlanTest, AJobForWorkersHasNoLaneThatIsBoundToAMachine) {
  const auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(ForWorkers(), "");
  for (const StagePlan& stage : plan->stages) EXPECT_TRUE(stage.local.empty());
}

TEST_F(TopicsPlanTest, TheIdentityNamesTheTopics) {
  const auto plan = Plan("spec:\n  clusters", "spec:\n  identity: other\n  clusters");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Explain(*plan), HasSubstr("streamml.other.1.events.dead"));
}

TEST_F(TopicsPlanTest, WhatNoRowCanReachHasNoTopic) {
  const auto plan = Plan("    watermark: {column: at}\n  views",
                         "    watermark: {column: at}\n    onError: {policy: skip}\n  views");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->reject_topics, ElementsAre("events.late", "features.dead", "out.dead"));
}

TEST_F(TopicsPlanTest, ASinkWithoutATopicBindsTheLanesOfItsStage) {
  const auto plan = Plan("- {name: out, from: features, cluster: main, topic: out}",
                         "- {name: out, from: events}");
  ASSERT_TRUE(plan.ok()) << plan.status();
  for (const StagePlan& stage : plan->stages) {
    EXPECT_EQ(stage.local.empty(), stage.spec->name != "events");
  }
  EXPECT_THAT(Explain(*plan),
              AllOf(HasSubstr("sink out: JSON lines in DATA_DIR/out/part-*.jsonl"),
                    HasSubstr("stage events cannot leave its machine: sink 'out' has no topic")));
  EXPECT_THAT(ForWorkers(),
              HasSubstr("job.yaml:23:5: spec.sinks[out]: several workers cannot write files"));
}

TEST_F(TopicsPlanTest, ASourceInFilesBindsItsLanesAndWithoutAnyTopicTheLogIsInFiles) {
  const auto plan = Plan("", "", {{"events", {"events.jsonl"}}});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->log_cluster.empty());
  EXPECT_TRUE(plan->reject_topics.empty());
  for (const StagePlan& stage : plan->stages) {
    EXPECT_TRUE(stage.source < 0 || !stage.local.empty()) << stage.spec->name;
  }
  EXPECT_THAT(Explain(*plan),
              AllOf(HasSubstr("DATA_DIR/events.dead/"), Not(HasSubstr("topics of the job's own"))));
}

TEST_F(TopicsPlanTest, WithoutBrokersThePlanShowsTopicsToo) {
  ASSERT_TRUE(Plan().ok());
  const auto plan = CheckPlan(manifest_);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Explain(*plan), HasSubstr("topic streamml.tiny.1.events.dead"));
}

TEST_F(TopicsPlanTest, ASinkThatIsATopicTakesRecordsUpToASize) {
  auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(SinkTopics(*plan), (std::map<std::string, size_t>{{"out", 1'000'000}}));
  const uint64_t hash = plan->job_hash;
  plan = Plan("topic: out}", "topic: out, maxRecordBytes: 5000}");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(SinkTopics(*plan), (std::map<std::string, size_t>{{"out", 5000}}));
  EXPECT_NE(plan->job_hash, hash);  // it decides where rows go
  const manifest::Bindings files = {{"events", {"events.jsonl"}}};
  EXPECT_EQ(Plan("", "", files)->job_hash,
            Plan("topic: out}", "topic: out, maxRecordBytes: 5000}", files)->job_hash);
}

TEST_F(TopicsPlanTest, AMissingTopicIsShownAtItsPlace) {
  topics_.topics.erase("out");
  EXPECT_THAT(std::string(Plan().status().message()),
              HasSubstr("job.yaml:23:55: spec.sinks[out].topic: there is no such topic"));
}

// What is cut off the journal cannot be computed again when a machine is lost with its snapshots.
TEST_F(TopicsPlanTest, OnlyAJobWithAStoreCutsItsTopics) {
  const std::string store = "  snapshots: {store: /shared}\n";
  const auto with = [this](const std::string& text) {
    return Plan("  workers: {lanes: 2}", text + "  workers: {lanes: 2}");
  };
  EXPECT_EQ(with("")->keep_us, 0);
  EXPECT_EQ(with(store)->keep_us, 0);
  const auto plan = with(store + "  replay: {keep: 90s}\n");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->keep_us, 90'000'000);
  EXPECT_EQ(plan->job_hash, with("")->job_hash);  // it decides no result
  EXPECT_THAT(Explain(*plan), HasSubstr("journal: 4 partition(s), kept so that 1m30s can be"));
  EXPECT_THAT(std::string(with("  replay: {keep: 90s}\n").status().message()),
              AllOf(HasSubstr("spec.replay.keep"), HasSubstr("give spec.snapshots.store")));
}

TEST_F(TopicsPlanTest, AStoreOfSnapshotsIsCheckedAtItsPlaceAndExplained) {
  const auto with = [this](const std::string& snapshots) {
    return Plan("  workers: {lanes: 2}",
                absl::StrCat("  snapshots: {", snapshots, "}\n  workers: {lanes: 2}"));
  };
  auto plan = with("store: 's3://bucket/jobs?endpoint=http://127.0.0.1:9000', upload: 5s");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->upload_interval_us, 5'000'000);
  EXPECT_THAT(Explain(*plan), AllOf(HasSubstr("copied every 5s to s3://bucket/jobs?endpoint"),
                                    HasSubstr("under tiny/1/lanes/<lane>/")));
  plan = with("store: /shared/snapshots");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->snapshot_store, "/shared/snapshots");
  EXPECT_EQ(plan->upload_interval_us, 60'000'000);
  EXPECT_THAT(Explain(*Plan()), Not(HasSubstr("snapshots of each lane")));
  const struct {
    const char* snapshots;
    const char* said;
  } mistakes[] = {
      {"store: shared", "job.yaml:24:22: spec.snapshots.store: the path of a folder has to be abs"},
      {"store: 's3://'", "job.yaml:24:22: spec.snapshots.store: store 's3://': there is no bucket"},
      {"store: 'gs://bucket'", "spec.snapshots.store: store 'gs://bucket': expected the path"},
      {"store: 's3://b?stile=path'", "'stile' is none of endpoint, region, style, ca"},
      {"store: /shared, credentialsFrom: {env: X}",
       "spec.snapshots.credentialsFrom: a folder is opened without credentials"}};
  for (const auto& mistake : mistakes) {
    EXPECT_THAT(std::string(with(mistake.snapshots).status().message()), HasSubstr(mistake.said));
  }
}

}  // namespace
}  // namespace streamml::plan
