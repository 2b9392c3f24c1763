// FTRL-Proximal for logistic loss.
//
// H. B. McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013, Algorithm 1, per
// coordinate: w = 0 if |z| <= l1, else -(z - sgn(z) l1) / ((beta + sqrt n) / alpha + l2); g = (p -
// y) x; sigma = (sqrt(n + g^2) - sqrt n) / alpha; z += g - sigma w; n += g^2. Differences: the
// intercept is one more coordinate, x = 1, regularised like the others (the paper does not say;
// Vowpal Wabbit does the same). A step that would leave a coordinate's z or n infinite or NaN is
// left out for that coordinate, and a denominator of 0 (beta = l2 = 0 with an underflown n) gives
// weight 0, so that scores are defined after any finite input.
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

struct FtrlParameters {
  double alpha, beta, l1, l2;
};

struct Coordinate {
  double root_n;
  double weight;
};

Coordinate ReadCoordinate(const FtrlParameters& parameters, double z, double n) {
  const double root_n = std::sqrt(n);
  if (std::abs(z) <= parameters.l1) return {root_n, 0};
  const double denominator = (parameters.beta + root_n) / parameters.alpha + parameters.l2;
  if (denominator == 0) return {root_n, 0};
  return {root_n, -(z - std::copysign(parameters.l1, z)) / denominator};
}

class Ftrl final : public Learner {
 public:
  Ftrl(const FtrlParameters& parameters, const LearnerHome& home)
      : parameters_(parameters),
        state_({home.owner, "ftrl",
                internal::StateHash(
                    "ftrl z,n interleaved 1", home.feature_hash,
                    {parameters.alpha, parameters.beta, parameters.l1, parameters.l2})},
               *home.states) {}

  double Predict(Features x) const override {
    double margin = 0;
    for (const Feature& feature : x) {
      const double* zn = state_.Peek(2 * SlotOf(feature));
      if (zn == nullptr || feature.value == 0) continue;
      margin += ReadCoordinate(parameters_, zn[0], zn[1]).weight * feature.value;
    }
    const double* zn = state_.Peek(2 * kInterceptSlot);
    if (zn != nullptr) margin += ReadCoordinate(parameters_, zn[0], zn[1]).weight;
    return Sigmoid(DefinedMargin(margin));
  }

  void Learn(Features x, double label) override {
    steps_.clear();
    double margin = 0;
    for (const Feature& feature : x) {
      if (feature.value != 0) margin += AddStep(SlotOf(feature), feature.value);
    }
    margin += AddStep(kInterceptSlot, 1);
    const double error = Sigmoid(DefinedMargin(margin)) - label;
    for (const Step& step : steps_) Take(step, error * step.x);
  }

 private:
  struct Step {
    double* zn;
    Coordinate coordinate;
    double x;
  };

  // Notes a coordinate for the step to come; returns its share of the margin.
  double AddStep(uint64_t slot, double x) {
    double* zn = state_.Mutable(2 * slot);
    steps_.push_back({zn, ReadCoordinate(parameters_, zn[0], zn[1]), x});
    return steps_.back().coordinate.weight * x;
  }

  void Take(const Step& step, double g) {
    const double n = step.zn[1] + g * g;
    const double sigma = (std::sqrt(n) - step.coordinate.root_n) / parameters_.alpha;
    const double z = step.zn[0] + g - sigma * step.coordinate.weight;
    if (!std::isfinite(n) || !std::isfinite(z)) return;
    step.zn[0] = z;
    step.zn[1] = n;
  }

  const FtrlParameters parameters_;
  state::ArrayState state_;  // z and n of a slot lie side by side, in one page
  std::vector<Step> steps_;  // scratch of one Learn
};

}  // namespace

LearnerEntry FtrlEntry() {
  return {.name = "ftrl",
          .doc = "logistic regression, FTRL-Proximal: sparse weights, a learning rate per feature",
          .reference = "McMahan et al., Ad Click Prediction, KDD 2013, Algorithm 1",
          .parameters = {{.name = "alpha",
                          .doc = "learning rate",
                          .default_value = 0.1,
                          .minimum = 0,
                          .maximum = 1e6,
                          .minimum_open = true},
                         {.name = "beta",
                          .doc = "smooths the learning rate of rare features",
                          .default_value = 1,
                          .minimum = 0,
                          .maximum = 1e6},
                         {.name = "l1",
                          .doc = "makes weights exactly 0",
                          .default_value = 1,
                          .minimum = 0,
                          .maximum = 1e6},
                         {.name = "l2",
                          .doc = "shrinks weights",
                          .default_value = 1,
                          .minimum = 0,
                          .maximum = 1e6}},
          .make = [](const absl::btree_map<std::string, double>& values,
                     const LearnerHome& home) -> std::unique_ptr<Learner> {
            return std::make_unique<Ftrl>(FtrlParameters{values.at("alpha"), values.at("beta"),
                                                         values.at("l1"), values.at("l2")},
                                          home);
          }};
}

}  // namespace streamml::learn
