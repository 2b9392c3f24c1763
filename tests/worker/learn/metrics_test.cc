#include "worker/learn/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/worker/learn/support.h"

namespace streamml::learn {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kAll = {"accuracy",  "logloss", "auc", "kappa",    "kappaTemporal",
                                       "precision", "recall",  "f1",  "noChange", "majority"};

std::map<std::string, std::optional<double>> ByName(const MetricSet& set) {
  std::map<std::string, std::optional<double>> values;
  for (const MetricValue& value : set.Values()) values[value.name] = value.value;
  return values;
}

struct Example {
  double score;
  bool label;
};

std::map<std::string, std::optional<double>> Measure(const std::vector<Example>& examples) {
  state::StateSet states;
  const auto set = *MetricSet::Make(kAll, "model", states);
  for (const Example& example : examples) set->Add(example.score, example.label);
  EXPECT_EQ(set->examples(), examples.size());
  return ByName(*set);
}

// scikit-learn 1.9.1 on the same ten examples: accuracy_score, log_loss, roc_auc_score,
// cohen_kappa_score, precision_score, recall_score, f1_score; kappa-T by its definition.
TEST(MetricsTest, AgreeWithScikitLearn) {
  const auto values = Measure({{0.5, true},
                               {0.8, true},
                               {0.3, false},
                               {0.6, false},
                               {0.9, true},
                               {0.2, true},
                               {0.4, false},
                               {0.7, true},
                               {0.1, false},
                               {0.55, false}});
  EXPECT_DOUBLE_EQ(*values.at("accuracy"), 0.6);
  EXPECT_DOUBLE_EQ(*values.at("logloss"), 0.567542361535929);
  EXPECT_DOUBLE_EQ(*values.at("auc"), 0.76);
  EXPECT_EQ(*values.at("auc.error"), 0.0);
  EXPECT_DOUBLE_EQ(*values.at("kappa"), 0.19999999999999996);
  EXPECT_DOUBLE_EQ(*values.at("kappaTemporal"), 0.27999999999999997);
  EXPECT_DOUBLE_EQ(*values.at("precision"), 0.6);
  EXPECT_DOUBLE_EQ(*values.at("recall"), 0.6);
  EXPECT_DOUBLE_EQ(*values.at("f1"), 0.6);
}

// Labels of the first ten records of the phishing set, baselines by hand: no-change is right at
// records 2, 3, 4, 6 and 8; the majority is class 1 from record 2 on and right at 2, 3, 4, 7, 8
// and 10.
TEST(MetricsTest, BaselinesLeaveTheFirstExampleOut) {
  std::vector<Example> examples;
  for (const int label : {1, 1, 1, 1, 0, 0, 1, 1, 0, 1}) examples.push_back({0.5, label == 1});
  const auto values = Measure(examples);
  EXPECT_DOUBLE_EQ(*values.at("noChange"), 5.0 / 9);
  EXPECT_DOUBLE_EQ(*values.at("majority"), 6.0 / 9);
}

TEST(MetricsTest, MajorityTieGoesToClassZero) {
  const auto values = Measure({{0.5, true}, {0.5, false}, {0.5, false}, {0.5, true}, {0.5, false}});
  // Predictions 1, tie -> 0, 0, tie -> 0 for labels 0, 0, 1, 0.
  EXPECT_DOUBLE_EQ(*values.at("majority"), 2.0 / 4);
}

TEST(MetricsTest, OneHalfIsClassZero) {
  EXPECT_EQ(*Measure({{0.5, false}}).at("accuracy"), 1.0);
  EXPECT_EQ(*Measure({{std::nextafter(0.5, 1.0), true}}).at("accuracy"), 1.0);
}

TEST(MetricsTest, WhatIsNotDefinedHasNoValue) {
  for (const auto& [name, value] : Measure({})) EXPECT_FALSE(value.has_value()) << name;
  const auto one = Measure({{0.1, false}});
  for (const char* name :
       {"auc", "kappa", "kappaTemporal", "precision", "recall", "noChange", "majority"}) {
    EXPECT_FALSE(one.at(name).has_value()) << name;
  }
  EXPECT_EQ(*one.at("f1"), 0.0);
  EXPECT_FALSE(Measure({{0.1, false}, {0.1, false}}).at("kappaTemporal").has_value());
}

TEST(MetricsTest, CertainAndWrongCostsTheClippedLoss) {
  EXPECT_DOUBLE_EQ(*Measure({{0.0, true}}).at("logloss"), 34.538776394910684);
  EXPECT_NEAR(*Measure({{1.0, true}}).at("logloss"), 0, 2e-15);
}

double ExactAuc(const std::vector<Example>& examples) {
  double ordered = 0, pairs = 0;
  for (const Example& a : examples) {
    for (const Example& b : examples) {
      if (!a.label || b.label) continue;
      pairs += 1;
      ordered += a.score > b.score ? 1 : a.score == b.score ? 0.5 : 0;
    }
  }
  return ordered / pairs;
}

TEST(MetricsTest, BinnedAucStaysWithinTheErrorItStates) {
  std::mt19937_64 random(5);
  for (const double sharpness : {0.1, 1.0, 10.0, 60.0}) {
    std::vector<Example> examples;
    for (int i = 0; i < 600; ++i) {
      const double margin = sharpness * (static_cast<double>(random() >> 11) * 0x1p-53 - 0.5);
      const double score = 1 / (1 + std::exp(-margin));
      examples.push_back({score, static_cast<double>(random() >> 11) * 0x1p-53 < score});
    }
    const auto values = Measure(examples);
    EXPECT_LE(std::abs(*values.at("auc") - ExactAuc(examples)), *values.at("auc.error") + 1e-12);
    EXPECT_LT(*values.at("auc.error"), sharpness < 1 ? 0.1 : 0.02) << sharpness;
  }
}

TEST(MetricsTest, AucOfSaturatedAndEndScoresIsDefined) {
  EXPECT_DOUBLE_EQ(*Measure({{0.0, false}, {1.0, true}}).at("auc"), 1.0);
  EXPECT_DOUBLE_EQ(*Measure({{1.0, false}, {1.0, true}}).at("auc"), 0.5);
  EXPECT_DOUBLE_EQ(*Measure({{5e-324, true}, {1 - 0x1p-53, false}}).at("auc"), 0.0);
}

TEST(MetricsTest, SaveLoadAndGoOnEqualsGoingOn) {
  std::mt19937_64 random(6);
  state::StateSet states, restored_states;
  const auto set = *MetricSet::Make(kAll, "model", states);
  const auto restored = *MetricSet::Make(kAll, "model", restored_states);
  for (int i = 0; i < 200; ++i) {
    if (i == 77) {
      SavedStates saved;
      Save(states, saved);
      Restore(saved, restored_states);
    }
    const double score = static_cast<double>(random() >> 11) * 0x1p-53;
    const bool label = random() % 3 == 0;
    set->Add(score, label);
    if (i >= 77) restored->Add(score, label);
  }
  EXPECT_EQ(ByName(*set), ByName(*restored));
}

TEST(MetricsTest, BaselinesComeAlsoUnasked) {
  state::StateSet states;
  const auto set = *MetricSet::Make({"f1"}, "model", states);
  std::vector<std::string> names;
  for (const MetricValue& value : set->Values()) names.push_back(value.name);
  EXPECT_EQ(names, (std::vector<std::string>{"f1", "noChange", "majority"}));
}

TEST(MetricsTest, UnknownAndRepeatedNamesAreRefused) {
  state::StateSet states;
  EXPECT_THAT(
      std::string(MetricSet::Make({"log-loss"}, "model", states).status().message()),
      HasSubstr("metrics: 'log-loss' is not known; did you mean 'logloss'?; allowed: accuracy, "));
  EXPECT_THAT(std::string(CheckMetrics({"auc", "auc"}).message()),
              HasSubstr("'auc' is listed twice"));
  EXPECT_TRUE(states.states().empty());
}

}  // namespace
}  // namespace streamml::learn
