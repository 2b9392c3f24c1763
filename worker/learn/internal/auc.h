// Area under the ROC curve from scores in bins, in bounded memory.
#pragma once

#include <optional>
#include <string>

#include "worker/state/array_state.h"

namespace streamml::learn::internal {

// A bin is the exponent and the first six significand bits of min(score, 1 - score), so bins are
// about 3 % wide in the odds near both ends, where skewed classifiers put their scores; below 2^-40
// one bin at either end: 4996 bins, two counts each. Pairs of a positive and a negative in one bin
// count as ties (1/2 each), so the exact value is within
//   error() = (sum over bins of positives * negatives) / (2 * all positives * all negatives),
// which is known, not estimated. Not thread-safe.
class BinnedAuc {
 public:
  BinnedAuc(const std::string& owner, state::StateSet& states);

  void Add(double score, bool label);

  struct Result {
    double area;
    double error;
  };
  // None until both classes were seen.
  std::optional<Result> Read() const;

 private:
  state::ArrayState bins_;  // negatives and positives of a bin lie side by side
};

}  // namespace streamml::learn::internal
