// Logistic regression by stochastic gradient descent.
//
// p = sigmoid(w.x + b); w -= learningRate ((p - y) x + l2 w) over the features present in x;
// b -= interceptRate (p - y): as River's linear_model.LogisticRegression (River documentation), one
// example at a time. Only features present are shrunk, so a step costs what the example has.
// A step that would leave a weight infinite or NaN is left out for that weight.
#include <cmath>
#include <memory>
#include <vector>

#include "base/math.h"
#include "worker/learn/algorithms/algorithms.h"
#include "worker/learn/internal/linear.h"
#include "worker/state/array_state.h"

namespace streamml::learn {

namespace {

using internal::DefinedMargin;
using internal::kInterceptSlot;
using internal::SlotOf;

struct SgdParameters {
  double learning_rate, l2, intercept_rate;
};

class Sgd final : public Learner {
 public:
  // Weights mean the same whatever the rates, so the rates are not in the state's hash: tuning them
  // keeps what was learned.
  Sgd(const SgdParameters& parameters, const LearnerHome& home)
      : parameters_(parameters),
        weights_({home.owner, "sgd", internal::StateHash("sgd weights 1", home.feature_hash, {})},
                 *home.states) {}

  double Predict(Features x) const override {
    double margin = 0;
    for (const Feature& feature : x) margin += weights_.Get(SlotOf(feature)) * feature.value;
    return Sigmoid(DefinedMargin(margin + weights_.Get(kInterceptSlot)));
  }

  void Learn(Features x, double label) override {
    double margin = 0;
    touched_.clear();
    for (const Feature& feature : x) {
      touched_.push_back(weights_.Mutable(SlotOf(feature)));
      margin += *touched_.back() * feature.value;
    }
    double* intercept = weights_.Mutable(kInterceptSlot);
    const double error = Sigmoid(DefinedMargin(margin + *intercept)) - label;
    for (size_t i = 0; i < x.size(); ++i) {
      const double gradient = error * x[i].value + parameters_.l2 * *touched_[i];
      Descend(*touched_[i], parameters_.learning_rate * gradient);
    }
    Descend(*intercept, parameters_.intercept_rate * error);
  }

 private:
  static void Descend(double& weight, double step) {
    if (std::isfinite(weight - step)) weight -= step;
  }

  const SgdParameters parameters_;
  state::ArrayState weights_;
  std::vector<double*> touched_;  // scratch of one Learn
};

}  // namespace

LearnerEntry SgdEntry() {
  return {.name = "sgd",
          .doc = "logistic regression, stochastic gradient descent with constant rates",
          .reference = "River documentation, linear_model.LogisticRegression with optim.SGD",
          .parameters = {{.name = "learningRate",
                          .doc = "step size of the weights",
                          .default_value = 0.01,
                          .minimum = 0,
                          .maximum = 1e6,
                          .minimum_open = true},
                         {.name = "l2",
                          .doc = "shrinks the weights of the features present",
                          .default_value = 0,
                          .minimum = 0,
                          .maximum = 1e6},
                         {.name = "interceptRate",
                          .doc = "step size of the intercept; 0 keeps it at 0",
                          .default_value = 0.01,
                          .minimum = 0,
                          .maximum = 1e6}},
          .make = [](const absl::btree_map<std::string, double>& values,
                     const LearnerHome& home) -> std::unique_ptr<Learner> {
            return std::make_unique<Sgd>(SgdParameters{values.at("learningRate"), values.at("l2"),
                                                       values.at("interceptRate")},
                                         home);
          }};
}

}  // namespace streamml::learn
