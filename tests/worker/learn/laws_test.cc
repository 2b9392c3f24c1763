// Laws that every learner keeps. They run over the learner table by themselves: a new entry needs
// no line here. The laws on a bare learner also run over planted faults, each of which must break
// the law named beside it.
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "gtest/gtest.h"
#include "tests/worker/learn/support.h"
#include "worker/data/row_codec.h"
#include "worker/learn/learner.h"
#include "worker/operators/model.h"

namespace streamml::learn {
namespace {

using data::Type;
using Factory = std::function<std::unique_ptr<Learner>(state::StateSet&)>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kExamples = 300;

struct Example {
  std::vector<Feature> x;
  double label = 0;
};

// Sparse examples whose label follows feature 0 and 1; every tenth is empty.
std::vector<Example> Examples(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Example> examples;
  for (int i = 0; i < kExamples; ++i) {
    Example& example = examples.emplace_back();
    for (uint32_t index = 0; index < 300 && i % 10 != 0; index += 1 + random() % 60) {
      example.x.push_back({index, static_cast<double>(random() % 2001) / 500 - 2});
    }
    const double first = example.x.empty() ? 0 : example.x[0].value;
    example.label = first > 0 ? 1 : 0;
  }
  return examples;
}

// Laws of a bare learner: "" if kept, else what was seen.

std::string ScoresAreProbabilities(const Factory& make) {
  state::StateSet states;
  const auto learner = make(states);
  if (learner->Predict({}) != 0.5) return "the empty answer is not 0.5";
  const double wild[] = {1e308, -1e308, 5e-324, 0, 1e160, -1e-160, 1, 1.7976931348623157e308};
  std::mt19937_64 random(1);
  for (int i = 0; i < kExamples; ++i) {
    std::vector<Feature> x;
    for (uint32_t index = 0; index < 4; ++index) x.push_back({index, wild[random() % 8]});
    const double before = learner->Predict(x);
    learner->Learn(x, static_cast<double>(random() % 2));
    const double empty = learner->Predict({});
    if (!(before >= 0 && before <= 1 && empty >= 0 && empty <= 1))
      return "a score is outside [0, 1]";
  }
  return "";
}

std::string SaveLoadGoOnEqualsGoingOn(const Factory& make) {
  state::StateSet states, restored_states;
  const auto learner = make(states);
  const auto restored = make(restored_states);
  SavedStates saved;
  const std::vector<Example> examples = Examples(2);
  for (int i = 0; i < kExamples; ++i) {
    if (i % 50 == 0 && i <= kExamples / 2) Save(states, saved);  // increments, as commits do
    if (i == kExamples / 2) Restore(saved, restored_states);
    const Example& example = examples[i];
    if (i >= kExamples / 2) {
      if (learner->Predict(example.x) != restored->Predict(example.x)) return "a score differs";
      restored->Learn(example.x, example.label);
    }
    learner->Learn(example.x, example.label);
  }
  SavedStates restored_saved = saved;
  Save(states, saved);
  Save(restored_states, restored_saved);
  return saved == restored_saved ? "" : "the states differ";
}

std::string SameExamplesGiveSameBits(const Factory& make) {
  state::StateSet states, other_states;
  const auto learner = make(states);
  const auto other = make(other_states);
  for (const Example& example : Examples(3)) {
    if (learner->Predict(example.x) != other->Predict(example.x)) return "a score differs";
    learner->Learn(example.x, example.label);
    other->Learn(example.x, example.label);
  }
  return "";
}

std::string PredictChangesNothing(const Factory& make) {
  state::StateSet states;
  const auto learner = make(states);
  SavedStates saved, after;
  for (const Example& example : Examples(4)) learner->Learn(example.x, example.label);
  Save(states, saved);
  const Example probe = Examples(5)[1];
  const double first = learner->Predict(probe.x);
  for (const Example& example : Examples(6)) learner->Predict(example.x);
  if (learner->Predict(probe.x) != first) return "a score differs";
  Save(states, after);
  return after.empty() ? "" : "state changed";
}

std::string EmptyRowIsTheInterceptAlone(const Factory& make) {
  state::StateSet states;
  const auto learner = make(states);
  for (int i = 0; i < 20; ++i) learner->Learn({}, 1);
  const double empty = learner->Predict({});
  if (!(empty > 0.5)) return "the intercept did not learn";
  const std::vector<Feature> zeros = {{3, 0.0}, {7, 0.0}};
  if (learner->Predict(zeros) != empty) return "a value of 0 is not absence";
  const std::vector<Feature> unknown = {{11, 5.0}};
  return learner->Predict(unknown) == empty ? "" : "a feature never seen has a weight";
}

std::string LearnsWhatCanBeLearned(const Factory& make) {
  state::StateSet states;
  const auto learner = make(states);
  int correct = 0;
  const std::vector<Example> examples = Examples(7);
  for (int pass = 0; pass < 10; ++pass) {
    correct = 0;
    for (const Example& example : examples) {
      correct += (learner->Predict(example.x) > 0.5) == (example.label == 1) ? 1 : 0;
      learner->Learn(example.x, example.label);
    }
  }
  return correct > 0.9 * kExamples ? "" : "less than 90 % correct";
}

struct Law {
  std::string name;
  std::string (*broken)(const Factory&);
};

const std::vector<Law> kLaws = {
    {"ScoresAreProbabilities", ScoresAreProbabilities},
    {"SaveLoadGoOnEqualsGoingOn", SaveLoadGoOnEqualsGoingOn},
    {"SameExamplesGiveSameBits", SameExamplesGiveSameBits},
    {"PredictChangesNothing", PredictChangesNothing},
    {"EmptyRowIsTheInterceptAlone", EmptyRowIsTheInterceptAlone},
    {"LearnsWhatCanBeLearned", LearnsWhatCanBeLearned},
};

Factory FromTable(const LearnerEntry& entry) {
  return [&entry](state::StateSet& states) {
    return *MakeLearner(entry.name, {}, {"model", &states, 0});
  };
}

TEST(LearnerLawsTest, EveryLearnerOfTheTableKeepsEveryLaw) {
  for (const LearnerEntry& entry : LearnerTable()) {
    for (const Law& law : kLaws)
      EXPECT_EQ(law.broken(FromTable(entry)), "") << entry.name << ": " << law.name;
  }
}

// Planted faults: a right learner with one mistake.
class Mutant : public Learner {
 public:
  explicit Mutant(state::StateSet& states)
      : right_(*MakeLearner("sgd", {}, {"model", &states, 0})) {}
  double Predict(Features x) const override { return right_->Predict(x); }
  void Learn(Features x, double label) override { right_->Learn(x, label); }

 protected:
  std::unique_ptr<Learner> right_;
};

class CountsOutsideItsState : public Mutant {
 public:
  using Mutant::Mutant;
  double Predict(Features x) const override { return Mutant::Predict(x) * (1 - 1e-9 * seen_); }
  void Learn(Features x, double label) override { Mutant::Learn(x, label), ++seen_; }

 private:
  int seen_ = 0;
};

class LearnsWhilePredicting : public Mutant {
 public:
  using Mutant::Mutant;
  double Predict(Features x) const override {
    const double score = Mutant::Predict(x);
    if (x.size() > 2) right_->Learn(x, score > 0.5 ? 1 : 0);
    return score;
  }
};

class OverflowsToNan : public Mutant {
 public:
  using Mutant::Mutant;
  double Predict(Features x) const override {
    double sum = 0;
    for (const Feature& feature : x)
      sum += feature.value * feature.value - feature.value * feature.value;
    return Mutant::Predict(x) + sum * 0;
  }
};

class HasNoIntercept : public Mutant {
 public:
  using Mutant::Mutant;
  void Learn(Features x, double label) override {
    if (!x.empty()) Mutant::Learn(x, label);
  }
};

class NeverLearns : public Mutant {
 public:
  using Mutant::Mutant;
  void Learn(Features, double) override {}
};

class DependsOnWhereItLies : public Mutant {
 public:
  explicit DependsOnWhereItLies(state::StateSet& states) : Mutant(states), salt_(next_salt++) {}
  double Predict(Features x) const override {
    const double score = Mutant::Predict(x);
    return score == 0.5 ? score : score * (1 - 1e-12 * salt_);
  }

 private:
  static inline int next_salt = 0;
  int salt_;
};

template <typename Fault>
Factory Planted() {
  return [](state::StateSet& states) { return std::make_unique<Fault>(states); };
}

TEST(LearnerLawsTest, PlantedFaultsAreCaught) {
  EXPECT_NE(SaveLoadGoOnEqualsGoingOn(Planted<CountsOutsideItsState>()), "");
  EXPECT_NE(PredictChangesNothing(Planted<LearnsWhilePredicting>()), "");
  EXPECT_NE(ScoresAreProbabilities(Planted<OverflowsToNan>()), "");
  EXPECT_NE(EmptyRowIsTheInterceptAlone(Planted<HasNoIntercept>()), "");
  EXPECT_NE(LearnsWhatCanBeLearned(Planted<NeverLearns>()), "");
  EXPECT_NE(SameExamplesGiveSameBits(Planted<DependsOnWhereItLies>()), "");
  for (const Law& law : kLaws) EXPECT_EQ(law.broken(Planted<Mutant>()), "") << law.name;
}

// Laws of the whole model: encoder, learner, metrics and operator together.

std::shared_ptr<const data::Schema> ModelSchema() {
  return MakeSchema({{"a", Type::kDouble},
                     {"b", Type::kDouble},
                     {"c", Type::kText},
                     {"d", Type::kBigint},
                     {"label", Type::kBigint}});
}

// Rows with everything that rows may hold: NULL, NaN, infinities, huge numbers, empty texts, labels
// that are missing or wrong, and rows in which every feature is NULL.
std::vector<Cells> ModelRows(int count) {
  std::mt19937_64 random(8);
  const double odd[] = {kNaN, kInfinity, -kInfinity, 1e308, -0.0, 5e-324};
  std::vector<Cells> rows;
  for (int i = 0; i < count; ++i) {
    const double a = static_cast<double>(random() % 1000) / 100 - 5;
    Cells row = {a, static_cast<double>(random() % 7), "v" + std::to_string(random() % 40),
                 static_cast<int64_t>(random() % 5), static_cast<int64_t>(a > 0 ? 1 : 0)};
    if (random() % 10 == 0) row[0] = odd[random() % 6];
    if (random() % 10 == 0) row[1] = Null{};
    if (random() % 10 == 0) row[2] = Null{};
    if (random() % 15 == 0) row[2] = "";
    if (random() % 30 == 0) row[0] = row[1] = row[2] = row[3] = Null{};
    if (random() % 10 == 0) row[4] = Null{};
    if (random() % 40 == 0) row[4] = int64_t{7};
    rows.push_back(row);
  }
  return rows;
}

struct Run {
  state::StateSet states;
  std::unique_ptr<operators::ModelOperator> model;
  std::string output;  // every row in canonical bytes
  std::string errors;

  void Process(const std::vector<Cells>& rows, size_t begin, size_t end) {
    operators::Dropped dropped;
    const auto batch = model->Process(ToBatch(ModelSchema(), rows, begin, end), dropped);
    ASSERT_TRUE(batch.ok()) << batch.status();
    for (size_t row = 0; row < batch->num_rows(); ++row) data::EncodeRow(*batch, row, output);
    for (const operators::RowError& error : dropped.failed) {
      errors += std::to_string(error.origin.offset) + error.reason + error.row + "\n";
    }
  }
};

std::unique_ptr<Run> MakeRun(const LearnerEntry& entry, int hash_bits) {
  auto run = std::make_unique<Run>();
  const operators::ModelSpec spec = {.name = "m",
                                     .features = {.numeric = {"a", "b"},
                                                  .scale = Scale::kStandard,
                                                  .categorical = {{"c"}, {"c", "d"}},
                                                  .hash_bits = hash_bits,
                                                  .dictionary_bound = 100,
                                                  .missing_indicator = true,
                                                  .report_collisions = true},
                                     .learner = entry.name,
                                     .label = "label",
                                     .metrics = {"accuracy", "logloss", "auc", "kappa",
                                                 "kappaTemporal", "precision", "recall", "f1"}};
  auto model = operators::ModelOperator::Make(spec, ModelSchema(), {"m", "model", &run->states});
  EXPECT_TRUE(model.ok()) << model.status();
  run->model = *std::move(model);
  return run;
}

// Calls `check` for every learner with hashed names and with a dictionary.
void ForEachModel(const std::function<void(const LearnerEntry&, int)>& check) {
  for (const LearnerEntry& entry : LearnerTable()) {
    for (const int hash_bits : {0, 5, 18}) {
      SCOPED_TRACE(entry.name + ", hash bits " + std::to_string(hash_bits));
      check(entry, hash_bits);
    }
  }
}

// Kills: scaler updated per batch; duplicates merged across rows; scores computed before the
// batch's learning; compensation of sums reset per batch; failed rows counted as examples.
TEST(ModelLawsTest, CuttingBatchesElsewhereChangesNothing) {
  const std::vector<Cells> rows = ModelRows(400);
  std::mt19937_64 random(9);
  ForEachModel([&](const LearnerEntry& entry, int hash_bits) {
    const auto whole = MakeRun(entry, hash_bits);
    whole->Process(rows, 0, rows.size());
    const auto cut = MakeRun(entry, hash_bits);
    for (size_t begin = 0; begin < rows.size();) {
      const size_t end = std::min<size_t>(rows.size(), begin + random() % 9);
      cut->Process(rows, begin, end);
      begin = end;
    }
    SavedStates whole_saved, cut_saved;
    Save(whole->states, whole_saved);
    Save(cut->states, cut_saved);
    EXPECT_FALSE(whole->errors.empty());
    EXPECT_TRUE(whole->output == cut->output);
    EXPECT_EQ(whole->errors, cut->errors);
    EXPECT_TRUE(whole_saved == cut_saved);
  });
}

// Kills: a counter, a scratch value or the next dictionary index kept outside declared state; a
// state that forgets to mark a page as changed.
TEST(ModelLawsTest, SaveLoadAndGoOnEqualsGoingOn) {
  const std::vector<Cells> rows = ModelRows(400);
  ForEachModel([&](const LearnerEntry& entry, int hash_bits) {
    const auto whole = MakeRun(entry, hash_bits);
    const auto restored = MakeRun(entry, hash_bits);
    SavedStates saved;
    for (size_t begin = 0; begin < 200; begin += 20) {
      whole->Process(rows, begin, begin + 20);
      Save(whole->states, saved);
    }
    Restore(saved, restored->states);
    SavedStates restored_saved = saved;
    whole->output.clear();
    whole->Process(rows, 200, 400);
    restored->Process(rows, 200, 400);
    Save(whole->states, saved);
    Save(restored->states, restored_saved);
    EXPECT_TRUE(whole->output == restored->output);
    EXPECT_TRUE(saved == restored_saved);
    EXPECT_EQ(whole->model->Report().examples, restored->model->Report().examples);
  });
}

// Kills: NaN or infinity that reaches a weight or the scaler.
TEST(ModelLawsTest, EveryScoreIsAProbabilityWhateverTheRows) {
  const std::vector<Cells> rows = ModelRows(400);
  ForEachModel([&](const LearnerEntry& entry, int hash_bits) {
    const auto run = MakeRun(entry, hash_bits);
    operators::Dropped dropped;
    const data::Batch output = *run->model->Process(ToBatch(ModelSchema(), rows), dropped);
    for (const double score : output.column(5).doubles())
      EXPECT_TRUE(score >= 0 && score <= 1) << score;
    for (const MetricValue& value : run->model->Report().metrics) {
      ASSERT_TRUE(value.value.has_value()) << value.name;
      EXPECT_TRUE(std::isfinite(*value.value)) << value.name;
    }
    EXPECT_EQ(output.num_rows() + dropped.failed.size(), rows.size());
  });
}

}  // namespace
}  // namespace streamml::learn
