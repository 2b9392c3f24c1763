// Mistakes in views: each is told once, and none hides another.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job/manifest/manifest.h"
#include "worker/plan/plan.h"

namespace streamml::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kSources = R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: tiny}
spec:
  sources:
  - name: events
    file: events.jsonl
    format: json
    columns:
    - {name: x, type: double precision}
    - {name: good, type: boolean}
)";

// What is said of a job with these views, models and sinks, line by line.
std::vector<std::string> Said(const std::string& rest, bool with_files = false) {
  const auto manifest = manifest::Parse(absl::StrCat(kSources, rest), "job.yaml");
  EXPECT_TRUE(manifest.ok()) << manifest.status();
  if (!manifest.ok()) return {};
  FileAccess access;
  access.list = [](const std::string&) { return absl::NotFoundError("there is no file"); };
  const absl::Status status = with_files ? MakePlan(*manifest, {{"events", {"e"}}}, access).status()
                                         : CheckPlan(*manifest).status();
  if (status.ok()) return {};
  return absl::StrSplit(std::string(status.message()), '\n');
}

TEST(RelationMistakes, ThoseThatReadAWrongViewSayNothing) {
  EXPECT_THAT(Said(R"(
  views:
  - {name: b, sql: "SELECT * FROM a"}
  - {name: a, sql: "SELECT y FROM events"}
  models:
  - name: m
    score: b
    train: {from: b, label: good, mode: inline}
    features: {numeric: [x]}
    learner: {name: ftrl}
  sinks:
  - {name: one, from: b}
  - {name: two, sql: "SELECT * FROM m"}
)"),
              ElementsAre(StartsWith("job.yaml:15:28: spec.views[a].sql: ")));
}

TEST(RelationMistakes, OneHidesNoOther) {
  EXPECT_THAT(
      Said(R"(
  views:
  - {name: a, sql: "SELECT y FROM events"}
  - {name: b, sql: "SELECT z FROM events"}
  - {name: c, sql: "SELECT x FROM evnts"}
  models:
  - name: m
    score: a
    train: {from: a, label: good, mode: inline}
    features: {numeric: [x]}
    learner: {name: fttrl}
    metrics: [acu]
  sinks:
  - {name: one, sql: "SELECT w FROM events"}
)",
           /*with_files=*/true),
      ElementsAre(HasSubstr("there is no file"), HasSubstr("spec.views[a].sql: "),
                  HasSubstr("spec.views[b].sql: "),
                  HasSubstr("unknown relation evnts; did you mean events?"),
                  HasSubstr("spec.models[m].learner.name: model 'm': learner 'fttrl'"),
                  HasSubstr("spec.models[m].metrics[0]: "), HasSubstr("spec.sinks[one].sql: ")));
}

TEST(RelationMistakes, AnUnknownRelationMayBeNearOneThatStandsBelow) {
  EXPECT_THAT(Said(R"(
  views:
  - {name: a, sql: "SELECT * FROM latr"}
  - {name: later, sql: "SELECT * FROM events"}
)"),
              ElementsAre(HasSubstr("unknown relation latr; did you mean later?")));
}

TEST(RelationMistakes, ViewsThatReadEachOtherAreNamedOnce) {
  EXPECT_THAT(
      Said(R"(
  views:
  - {name: outside, sql: "SELECT * FROM a"}
  - {name: a, sql: "SELECT * FROM b"}
  - {name: b, sql: "SELECT * FROM a"}
  - {name: own, sql: "SELECT * FROM own"}
  sinks:
  - {name: one, from: outside}
)"),
      ElementsAre("job.yaml:15:35: spec.views[a].sql: relations read each other: 'a' reads 'b' "
                  "reads 'a'",
                  "job.yaml:17:37: spec.views[own].sql: it reads itself: 'own' reads 'own'"));
}

TEST(RelationMistakes, AModelMustNotScoreWhatItsScoresProduce) {
  EXPECT_THAT(Said(R"(
  views:
  - {name: a, sql: "SELECT * FROM m"}
  models:
  - name: m
    score: a
    train: {from: a, label: good, mode: inline}
    features: {numeric: [x]}
    learner: {name: ftrl}
)"),
              ElementsAre(HasSubstr("relations read each other: 'a' reads 'm' reads 'a'")));
}

}  // namespace
}  // namespace streamml::plan
