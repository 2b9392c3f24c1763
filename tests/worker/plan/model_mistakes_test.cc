// A mistake in a model is shown where the value stands, not where the model begins.
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job/manifest/manifest.h"
#include "worker/plan/plan.h"

namespace streamml::plan {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kJob = R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: tiny}
spec:
  sources:
  - name: events
    file: events.jsonl
    format: json
    columns:
    - {name: x, type: double precision}
    - {name: kind, type: text}
    - {name: good, type: boolean}
  models:
  - name: guess
    score: events
    train: {from: events, label: good, mode: inline}
    features:
      numeric:
      - x
      categorical: [{columns: [kind]}]
    learner:
      name: ftrl
      parameters: {alpha: 0.1}
    metrics: [logloss, auc]
  sinks:
  - {name: out, from: guess}
)";

// What is said of the job with `seen` in place of `right`.
std::string Said(std::string_view right, std::string_view seen) {
  const std::string text = absl::StrReplaceAll(kJob, {{std::string(right), std::string(seen)}});
  EXPECT_NE(text, kJob) << right;
  const auto manifest = manifest::Parse(text, "job.yaml");
  EXPECT_TRUE(manifest.ok()) << manifest.status();
  return manifest.ok() ? std::string(CheckPlan(*manifest).status().message()) : "";
}

TEST(ModelMistakes, TheJobIsFineWithoutThem) {
  EXPECT_TRUE(CheckPlan(*manifest::Parse(kJob, "job.yaml")).ok());
}

TEST(ModelMistakes, AnUnknownLearnerIsShownAtItsName) {
  EXPECT_THAT(Said("name: ftrl", "name: fttrl"),
              StartsWith("job.yaml:22:13: spec.models[guess].learner.name: model 'guess': learner "
                         "'fttrl' is not known; did you mean 'ftrl'?"));
}

TEST(ModelMistakes, AWrongParameterIsShownAtItsValue) {
  EXPECT_THAT(Said("{alpha: 0.1}", "{beta: 1, alhpa: 0.1}"),
              StartsWith("job.yaml:23:36: spec.models[guess].learner.parameters.alhpa: "));
  EXPECT_THAT(Said("{alpha: 0.1}", "{beta: 1, alpha: -1}"),
              StartsWith("job.yaml:23:36: spec.models[guess].learner.parameters.alpha: "));
}

TEST(ModelMistakes, ParametersAreDecimal) {
  EXPECT_THAT(Said("alpha: 0.1", "alpha: 0x1p-3"), HasSubstr("parameter 'alpha' is '0x1p-3'"));
  EXPECT_THAT(Said("alpha: 0.1", "alpha: \"0X1\""), HasSubstr("parameter 'alpha' is '0X1'"));
}

TEST(ModelMistakes, AnUnknownFeatureColumnIsShownAtTheEntry) {
  EXPECT_THAT(Said("      - x\n", "      - good_\n      - x\n"),
              StartsWith("job.yaml:19:9: spec.models[guess].features.numeric[0]: "));
  EXPECT_THAT(
      Said("[{columns: [kind]}]", "[{columns: [kind]}, {columns: [x, kid]}]"),
      StartsWith("job.yaml:20:54: spec.models[guess].features.categorical[1].columns[1]: "));
}

TEST(ModelMistakes, AFeatureColumnOfTheWrongTypeIsShownAtTheEntry) {
  EXPECT_THAT(Said("      - x\n", "      - x\n      - kind\n"),
              StartsWith("job.yaml:20:9: spec.models[guess].features.numeric[1]: "));
}

TEST(ModelMistakes, AnUnknownLabelIsShownAtTheLabel) {
  EXPECT_THAT(Said("label: good", "label: god"),
              StartsWith("job.yaml:16:34: spec.models[guess].train.label: model 'guess': label "
                         "column 'god' is not in the relation; did you mean 'good'?"));
}

TEST(ModelMistakes, AnUnknownMetricIsShownAtTheEntry) {
  EXPECT_THAT(Said("[logloss, auc]", "[logloss, acu]"),
              StartsWith("job.yaml:24:24: spec.models[guess].metrics[1]: "));
}

// The job hash with `seen` in place of the job's metrics.
uint64_t HashWith(std::string_view seen) {
  const std::string text =
      absl::StrReplaceAll(kJob, {{"    metrics: [logloss, auc]\n", std::string(seen)}});
  return CheckPlan(*manifest::Parse(text, "job.yaml"))->job_hash;
}

TEST(DefaultMetrics, NoMetricsAreTheDefaultOnes) {
  EXPECT_EQ(HashWith(""), HashWith("    metrics: [accuracy, logloss, auc, kappaTemporal]\n"));
  EXPECT_NE(HashWith(""), HashWith("    metrics: [accuracy]\n"));
}

}  // namespace
}  // namespace streamml::plan
