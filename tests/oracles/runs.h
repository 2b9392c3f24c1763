// Runs one oracle: its data set through the product's encoder, learner and metrics.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "tests/oracles/comparison.h"
#include "tests/oracles/json.h"

namespace streamml::oracles {

struct Folders {
  std::string oracles;
  std::string data;
};

struct RunResult {
  explicit RunResult(Tolerance tolerance) : comparison(tolerance) {}

  Comparison comparison;
  uint64_t rows = 0;
  double auc_bin_error = 0;     // largest stated error of the binned AUC at a checkpoint
  double auc_bin_distance = 0;  // largest distance to the exact AUC
};

// ftrl-*, vw-ftrl-*, river-lr-*: scores, metrics at checkpoints, final weights and scaler.
absl::StatusOr<RunResult> RunLinear(const std::string& id, const Json& oracle,
                                    const Folders& folders);
// baseline-* of binary sets: accuracies of no-change and majority class.
absl::StatusOr<RunResult> RunBaseline(const Json& oracle, const Folders& folders);
// scalers-*: the standard scaler (min-max is not built).
absl::StatusOr<RunResult> RunScaler(const Json& oracle, const Folders& folders);

}  // namespace streamml::oracles
