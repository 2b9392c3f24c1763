#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "worker/learn/learner.h"
#include "worker/state/state.h"

namespace streamml::learn {
namespace {

using testing::HasSubstr;

struct Toy {
  std::vector<std::vector<Feature>> rows;
  std::vector<double> labels;
};

std::vector<double> TestThenTrain(const std::string& name, const Parameters& parameters,
                                  const Toy& toy) {
  state::StateSet states;
  std::unique_ptr<Learner> learner = *MakeLearner(name, parameters, {"model", &states, 0});
  std::vector<double> scores;
  for (size_t i = 0; i < toy.rows.size(); ++i) {
    scores.push_back(learner->Predict(toy.rows[i]));
    learner->Learn(toy.rows[i], toy.labels[i]);
  }
  return scores;
}

// Three features, ten examples; the numbers below were computed by Vowpal Wabbit and by Python.
Toy SmallToy() {
  return {.rows = {{{0, 1.0}, {1, 0.5}},
                   {{1, 2.0}},
                   {{0, -1.0}, {2, 1.0}},
                   {{0, 0.25}, {1, 1.0}, {2, -0.5}},
                   {{2, 3.0}},
                   {{0, 2.0}},
                   {{0, 1.0}, {1, -1.0}, {2, 1.0}},
                   {{1, 0.5}, {2, 0.5}},
                   {{0, 1.5}, {2, -2.0}},
                   {{0, 1.0}, {1, 1.0}, {2, 1.0}}},
          .labels = {1, 0, 1, 0, 1, 0, 1, 1, 0, 1}};
}

// vowpalwabbit 9.11.9: -b 18 --loss_function logistic --ftrl --ftrl_alpha 0.5 --ftrl_beta 1 --l1
// 0.1
// --l2 0.2, predict then learn per example, margins through a sigmoid. Its weights are float32.
TEST(FtrlTest, AgreesWithVowpalWabbit) {
  const std::vector<double> expected = {0.5,
                                        0.5587550707082745,
                                        0.46879062662624377,
                                        0.4732363884155616,
                                        0.6473928709167331,
                                        0.5193202923863744,
                                        0.6141261477049792,
                                        0.5346044380507539,
                                        0.23353921510762735,
                                        0.5648071330779323};
  const std::vector<double> scores = TestThenTrain(
      "ftrl", {{"alpha", "0.5"}, {"beta", "1"}, {"l1", "0.1"}, {"l2", "0.2"}}, SmallToy());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(scores[i], expected[i], 2e-7) << i;
}

// river 0.26.1: LogisticRegression(optimizer=SGD(0.1), l2=0.05, intercept_lr=0.02).
TEST(SgdTest, AgreesWithRiver) {
  const std::vector<double> expected = {0.5,
                                        0.51499550161941,
                                        0.4874276731305245,
                                        0.47647288980897434,
                                        0.5559881801032891,
                                        0.49561993143963684,
                                        0.5547684293207835,
                                        0.5123038874357375,
                                        0.3471564488135182,
                                        0.5225516816586245};
  const std::vector<double> scores = TestThenTrain(
      "sgd", {{"learningRate", "0.1"}, {"l2", "0.05"}, {"interceptRate", "0.02"}}, SmallToy());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(scores[i], expected[i], 1e-14) << i;
}

TEST(SgdTest, OneStepIsTheFormula) {
  state::StateSet states;
  std::unique_ptr<Learner> learner =
      *MakeLearner("sgd", {{"learningRate", "0.5"}, {"l2", "0.1"}, {"interceptRate", "0.25"}},
                   {"model", &states, 0});
  const std::vector<Feature> x = {{3, 2.0}};
  EXPECT_EQ(learner->Predict(x), 0.5);
  learner->Learn(x, 1);  // error -0.5: w = 0.5 * 0.5 * 2 = 0.5, b = 0.125
  EXPECT_DOUBLE_EQ(learner->Predict(x), 1 / (1 + std::exp(-1.125)));
  learner->Learn(x, 1);
  const double error = 1 / (1 + std::exp(-1.125)) - 1;
  const double w = 0.5 - 0.5 * (error * 2 + 0.1 * 0.5);
  const double b = 0.125 - 0.25 * error;
  EXPECT_DOUBLE_EQ(learner->Predict(x), 1 / (1 + std::exp(-(2 * w + b))));
}

TEST(FtrlTest, FeatureBelowL1KeepsWeightZero) {
  state::StateSet states;
  std::unique_ptr<Learner> learner = *MakeLearner("ftrl", {{"l1", "10"}}, {"model", &states, 0});
  const std::vector<Feature> x = {{0, 1.0}};
  for (int i = 0; i < 5; ++i) learner->Learn(x, 1);
  EXPECT_EQ(learner->Predict(x), 0.5);
}

TEST(FtrlTest, ZeroBetaAndL2AreDefined) {
  const std::vector<double> scores =
      TestThenTrain("ftrl", {{"beta", "0"}, {"l1", "0"}, {"l2", "0"}},
                    {.rows = {{{0, 1e-200}}, {{0, 1e-200}}, {{0, 1.0}}}, .labels = {1, 0, 1}});
  for (const double score : scores) EXPECT_TRUE(score >= 0 && score <= 1) << score;
}

TEST(LearnerTableTest, UnknownLearnerIsNamedWithWhatIsAllowed) {
  state::StateSet states;
  const absl::Status status = MakeLearner("ftlr", {}, {"model", &states, 0}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "learner 'ftlr' is not known; did you mean 'ftrl'?; allowed: ftrl, sgd");
  EXPECT_THAT(CheckLearner("FTRL", {}).message(), HasSubstr("did you mean 'ftrl'?"));
  EXPECT_TRUE(states.states().empty());
}

TEST(LearnerTableTest, UnknownParameterIsNamedWithTheNearest) {
  EXPECT_EQ(CheckLearner("ftrl", {{"alhpa", "1"}}).message(),
            "learner 'ftrl' has no parameter 'alhpa'; did you mean 'alpha'?; allowed: alpha, "
            "beta, l1, l2");
  EXPECT_THAT(CheckLearner("sgd", {{"learning_rate", "1"}}).message(),
              HasSubstr("did you mean 'learningRate'?"));
}

TEST(LearnerTableTest, ValueOutOfRangeIsNamedWithTheRange) {
  EXPECT_EQ(CheckLearner("ftrl", {{"alpha", "0"}}).message(),
            "learner 'ftrl': parameter 'alpha' is '0'; allowed: a number above 0 to 1e+06");
  EXPECT_EQ(CheckLearner("ftrl", {{"l1", "-1"}}).message(),
            "learner 'ftrl': parameter 'l1' is '-1'; allowed: a number from 0 to 1e+06");
  for (const char* text : {"", "nan", "inf", "one", "0.1x"}) {
    EXPECT_FALSE(CheckLearner("sgd", {{"learningRate", text}}).ok()) << text;
  }
  EXPECT_TRUE(CheckLearner("sgd", {{"learningRate", "5e-3"}}).ok());
}

TEST(LearnerTableTest, EveryEntryIsDocumentedAndMakesItsDefaults) {
  for (const LearnerEntry& entry : LearnerTable()) {
    EXPECT_FALSE(entry.doc.empty());
    EXPECT_FALSE(entry.reference.empty()) << entry.name;
    state::StateSet states;
    EXPECT_TRUE(MakeLearner(entry.name, {}, {"model", &states, 0}).ok());
    for (const ParameterSpec& parameter : entry.parameters) EXPECT_FALSE(parameter.doc.empty());
  }
}

TEST(LearnerTableTest, WeightsOfOtherFeaturesAreAnotherState) {
  for (const LearnerEntry& entry : LearnerTable()) {
    state::StateSet first, second;
    const auto one = MakeLearner(entry.name, {}, {"model", &first, 1});
    const auto two = MakeLearner(entry.name, {}, {"model", &second, 2});
    EXPECT_NE(first.states()[0]->id(), second.states()[0]->id());
  }
}

}  // namespace
}  // namespace streamml::learn
