// Prequential metrics of a binary classifier: each score is judged before its example is learned.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/state/state.h"

namespace streamml::learn {

struct MetricEntry {
  std::string name;
  std::string doc;  // one line: formula, and when there is no value
};

// All metrics, one line each in metrics.cc. The predicted class is 1 where the score is above 0.5.
const std::vector<MetricEntry>& MetricTable();

// Those of a model whose manifest names none. Part of what decides the bits of a job: changed, it
// is a new generation of formats.
std::vector<std::string> DefaultMetrics();

// INVALID_ARGUMENT for a name that is unknown or listed twice.
absl::Status CheckMetrics(const std::vector<std::string>& names);

struct MetricValue {
  std::string name;
  std::optional<double> value;  // none while it is not defined, as the table says
};

// Cumulative metrics over all examples added. A row without score or label is not added. Not
// thread-safe; all that is kept is in declared state, so restoring goes on bit for bit. Sums are
// folded in the order of Add, so how the stream is cut into batches shows nowhere.
class MetricSet {
 public:
  // Fails as CheckMetrics. The baselines noChange and majority are always kept and need not be
  // named. State is declared under `owner` in `states`, which outlives the set.
  static absl::StatusOr<std::unique_ptr<MetricSet>> Make(const std::vector<std::string>& names,
                                                         const std::string& owner,
                                                         state::StateSet& states);
  virtual ~MetricSet() = default;

  // `score` is in [0, 1].
  virtual void Add(double score, bool label) = 0;
  virtual uint64_t examples() const = 0;
  // In the order they were named; then the baselines, if they were not. auc is followed by
  // auc.error.
  virtual std::vector<MetricValue> Values() const = 0;
};

}  // namespace streamml::learn
