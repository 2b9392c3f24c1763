#include "job/manifest/validate.h"

#include "gmock/gmock.h"
#include "tests/job/manifest/support.h"

namespace streamml::manifest {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// What is said about kSmall with `from` replaced by `to`.
std::string Said(std::string_view from, std::string_view to) {
  return Report(Edited(from, to), "job.yaml");
}

TEST(Validate, ASmallManifestIsFine) { EXPECT_EQ(Report(kSmall, "job.yaml"), ""); }

TEST(Validate, RelationNamesAreUniqueOverSourcesViewsAndModels) {
  EXPECT_EQ(Said("name: guess\n", "name: events\n"),
            "job.yaml:18:11: spec.models[events].name: 'events' is already the name of "
            "spec.sources[events]; names are unique over sources, views and models\n"
            "job.yaml:24:27: spec.sinks[guesses].from: no relation 'guess'; there are events, "
            "doubled");
}

TEST(Validate, EventTimeIsATimestampColumnOfTheSource) {
  EXPECT_EQ(Said("{column: at}", "{column: att}"),
            "job.yaml:13:25: spec.sources[events].watermark.column: no column 'att'; did you mean "
            "'at'?; there are at, amount, label");
  EXPECT_EQ(Said("{column: at}", "{column: amount}"),
            "job.yaml:13:25: spec.sources[events].watermark.column: event time is a timestamp; "
            "column 'amount' is double precision");
}

TEST(Validate, AUnitIsForTimestamps) {
  EXPECT_EQ(Said("type: timestamp", "type: timestamp, unit: us"), "");
  EXPECT_THAT(Said("type: double precision", "type: double precision, unit: ms"),
              HasSubstr("columns[amount].unit: a unit is for timestamps; the column is double "
                        "precision"));
}

TEST(Validate, PathsOfJsonArePointersOrDollarPaths) {
  for (std::string_view path : {"/a/b", "/a~1b/~0", "$.a", "$.a.b", "/"}) {
    EXPECT_EQ(Said("name: amount,", absl::StrCat("name: amount, path: ", path, ",")), "") << path;
  }
  for (std::string_view path : {"a", "$", "$.", "$.a..b", "'$.a[0]'", "/~2", "$a", "/a~"}) {
    EXPECT_THAT(Said("name: amount,", absl::StrCat("name: amount, path: ", path, ",")),
                HasSubstr("expected a JSON Pointer"))
        << path;
  }
}

TEST(Validate, ABarePathOfJsonIsShownHowToBeWritten) {
  EXPECT_THAT(Said("name: amount,", "name: amount, path: ts,"), HasSubstr("got 'ts'; write '/ts'"));
  EXPECT_THAT(Said("name: amount,", "name: amount, path: a.b,"), HasSubstr("; write '/a/b'"));
}

TEST(Validate, SeveralWorkersReadAndWriteTopicsOnly) {
  const auto manifest = Parse(kSmall, "job.yaml");
  ASSERT_TRUE(manifest.ok());
  EXPECT_THAT(std::string(ToStatus(ValidateForWorkers(*manifest), "job.yaml").message()),
              AllOf(HasSubstr("spec.sources[events].file: several workers cannot read files"),
                    HasSubstr("spec.sinks[guesses]: several workers cannot write files")));
}

TEST(Validate, WhatIsOfAStoreNeedsOne) {
  EXPECT_EQ(Said("spec:\n", "spec:\n  snapshots: {store: 's3://b/p', upload: 30s}\n"), "");
  EXPECT_THAT(Said("spec:\n", "spec:\n  snapshots: {upload: 30s}\n"),
              HasSubstr("spec.snapshots.upload: there is no store"));
  EXPECT_THAT(Said("spec:\n", "spec:\n  snapshots: {credentialsFrom: {env: X}}\n"),
              HasSubstr("spec.snapshots.credentialsFrom: there is no store"));
}

TEST(Validate, TopicAndClusterComeTogether) {
  EXPECT_THAT(Said("file: events.jsonl", "topic: events"),
              HasSubstr("spec.sources[events].topic: a topic needs a cluster; none is given"));
  EXPECT_THAT(Said("from: guess", "from: guess, topic: x"),
              HasSubstr("spec.sinks[guesses].topic: a topic needs a cluster"));
  EXPECT_THAT(Said("file: events.jsonl", "topic: events\n    cluster: main"),
              HasSubstr("cluster: no cluster 'main'; there are none"));
}

TEST(Validate, ASinkMayBeATopic) {
  const std::string clusters = "spec:\n  clusters: [{name: main, kafka: {brokers: 'k:9092'}}]\n";
  std::string yaml = Edited("spec:\n", clusters);
  yaml.replace(yaml.find("from: guess}"), 12,
               "from: guess, cluster: main, topic: x, key: [twice]}");
  EXPECT_EQ(Report(yaml, "job.yaml"), "");
}

TEST(Validate, MetadataAndFramingAreOfTopics) {
  EXPECT_THAT(Said("file: events.jsonl", "file: events.jsonl\n    framing: lines"),
              HasSubstr("spec.sources[events].framing: it is for topics"));
  EXPECT_THAT(Said("columns:", "columns:\n    - {name: k, type: text, metadata: key}"),
              HasSubstr("columns[k].metadata: only the records of a topic have metadata"));
  EXPECT_THAT(Said("columns:", "columns:\n    - {name: k, type: bigint, metadata: key}"),
              HasSubstr("columns[k].type: metadata key is text; got bigint"));
  EXPECT_THAT(Said("columns:", "columns:\n    - {name: k, type: text, metadata: header}"),
              HasSubstr("columns[k].metadata: a header needs path"));
}

TEST(Validate, SinksReadRelationsAndWhatComesWithThem) {
  EXPECT_EQ(Said("from: guess}", "from: events.dead}"), "");
  EXPECT_EQ(Said("from: guess}", "from: doubled.late}"), "");
  EXPECT_THAT(Said("from: guess}", "from: gues.late}"), HasSubstr("did you mean 'guess'?"));
}

TEST(Validate, ModelsReferToRelations) {
  EXPECT_THAT(Said("score: doubled", "score: double"),
              HasSubstr("spec.models[guess].score: no relation 'double'; did you mean 'doubled'?"));
  EXPECT_THAT(Said("score: doubled", "score: guess"), HasSubstr("cannot score its own scores"));
  EXPECT_THAT(Said("from: doubled, label", "from: nowhere, label"),
              HasSubstr("spec.models[guess].train.from: no relation 'nowhere'"));
}

TEST(Validate, InlineTrainingReadsTheScoredRelation) {
  EXPECT_THAT(Said("score: doubled\n", "score: events\n"),
              HasSubstr("spec.models[guess].train.from: inline training from a view is not built; "
                        "use events, the relation that is scored, or mode async"));
  EXPECT_EQ(Said("from: doubled, label", "from: events, label"),
            "job.yaml:20:19: spec.models[guess].train.from: inline training reads the relation "
            "that is scored (doubled); got 'events'");
  EXPECT_THAT(Said("from: doubled, label", "from: guess, label"), HasSubstr("got 'guess'"));
}

TEST(Validate, TheLabelIsNoFeature) {
  EXPECT_THAT(Said("[twice]", "[twice, label]"),
              HasSubstr("spec.models[guess].features.numeric[1]: column 'label' is the label"));
  EXPECT_THAT(Said("[twice]", "[twice], categorical: [{columns: [twice, label]}]"),
              HasSubstr("features.categorical[0].columns[1]: column 'label' is the label"));
}

TEST(Validate, FeaturesAreThereAndNotTwice) {
  EXPECT_THAT(Said("{numeric: [twice]}", "{hashBits: 4}"), HasSubstr("no features"));
  EXPECT_THAT(Said("[twice]", "[], categorical: [{columns: [a, b]}, {columns: [b, a]}]"),
              HasSubstr("features.categorical[1]: the same columns as categorical[0]"));
}

TEST(Validate, ALearnerNeedsTrainAndFeatures) {
  EXPECT_THAT(Said("    features: {numeric: [twice]}\n", ""),
              HasSubstr("a learner needs features"));
  EXPECT_THAT(Said("    train: {from: doubled, label: label, mode: inline}\n", ""),
              HasSubstr("a learner needs train"));
}

TEST(Validate, LanesDoNotExceedPartitions) {
  EXPECT_EQ(Said("spec:\n", "spec:\n  log: {partitions: 4}\n  workers: {lanes: 5}\n"),
            "job.yaml:6:20: spec.workers.lanes: 5 lanes, but log.partitions is 4; a lane has at "
            "least one partition");
}

TEST(Validate, ReplicasAndAutoscaleExcludeEachOther) {
  EXPECT_THAT(Said("spec:\n",
                   "spec:\n  workers: {replicas: 2}\n"
                   "  autoscale: {min: 3, max: 2, targetLag: 5s}\n"),
              HasSubstr("spec.workers.replicas: not together with autoscale"));
  EXPECT_THAT(Said("spec:\n", "spec:\n  autoscale: {min: 3, max: 2, targetLag: 5s}\n"),
              HasSubstr("spec.autoscale.min: 3 is above max, 2"));
}

// Each is well-formed and refused by name, with what to do now.
TEST(Validate, WhatIsNotBuiltIsRefusedByName) {
  struct Case {
    std::string_view from, to, path;
  };
  const Case cases[] = {
      {"type: double precision", "type: numeric", "spec.sources[events].columns[amount].type"},
      {"format: json", "format: avro", "spec.sources[events].format"},
      {"    format: json", "    follow: true\n    format: json", "spec.sources[events].follow"},
      {"name: doubled", "name: doubled\n    allowedLateness: 1h",
       "spec.views[doubled].allowedLateness"},
      {"mode: inline", "mode: inline, labels: {early: true}", "spec.models[guess].train.labels"},
      {"[twice]", "[twice], scale: minMax", "spec.models[guess].features.scale"},
      {"[twice]", "[twice], missing: indicator", "spec.models[guess].features.missing"},
      {"[twice]", "[twice], dictionaryLimit: 5", "spec.models[guess].features.dictionaryLimit"},
      {"    learner: {name: ftrl}", "    learner: {name: ftrl}\n    rollout: {strategy: shadow}",
       "spec.models[guess].rollout"},
      {"from: guess", "from: guess, format: csv", "spec.sinks[guesses].format"},
      {"spec:\n", "spec:\n  suspend: true\n", "spec.suspend"},
      {"spec:\n", "spec:\n  workers: {standby: 1}\n", "spec.workers.standby"},
      {"spec:\n", "spec:\n  timeZone: Europe/Berlin\n", "spec.timeZone"},
      {"spec:\n", "spec:\n  savepoints: {schedule: '0 3 * * *', keep: 2}\n", "spec.savepoints"},
      {"spec:\n", "spec:\n  restoreFrom: {savepoint: x, acceptLoss: true}\n",
       "spec.restoreFrom.acceptLoss"},
      {"spec:\n", "spec:\n  autoscale: {max: 2, targetLag: 5s, dryRun: true}\n", "spec.autoscale"},
      {"spec:\n", "spec:\n  backfill: now\n", "spec.backfill"},
      {"spec:\n", "spec:\n  deletePolicy: retain\n", "spec.deletePolicy"},
  };
  for (const Case& c : cases) {
    const absl::StatusOr<Manifest> manifest = Parse(Edited(c.from, c.to), "job.yaml");
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    const std::vector<Diagnostic> said = Validate(*manifest);
    ASSERT_EQ(said.size(), 1u) << c.to;
    EXPECT_EQ(said[0].severity, Severity::kNotBuilt);
    EXPECT_EQ(said[0].path, c.path);
    EXPECT_THAT(said[0].message, HasSubstr("not built yet; "));
    EXPECT_GT(said[0].position.line, 0);
  }
}

}  // namespace
}  // namespace streamml::manifest
