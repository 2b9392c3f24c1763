// Evaluates checked SQL expressions over batches, with PostgreSQL's values, NULL rules and errors.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/data/batch.h"
#include "worker/sql/expression.h"

namespace streamml::operators {

// Why the value of `row` is marked kFailed: "division by zero", worded as PostgreSQL does.
struct FailedValue {
  uint32_t row = 0;
  std::string reason;
};

namespace internal {
struct Step;
}

// One expression, made ready to run. Immutable after Make and safe to share between threads.
//
// The result of a row depends on that row alone and, for text, on bytes alone: no locale, no time
// zone but UTC, no function of the C library whose last bit may differ between machines. A computed
// NaN comes out as the quiet NaN without payload or sign; one that is only passed on keeps its
// bits.
class Evaluator {
 public:
  // INVALID_ARGUMENT when a function has no form for the types of its arguments, or a column index
  // is not in `input`: the analyzer never makes such an expression.
  static absl::StatusOr<Evaluator> Make(const sql::Expression& expression,
                                        const data::Schema& input);

  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) noexcept;
  ~Evaluator();

  data::Type type() const;

  // One value for each row of `batch`, whose schema is the one given to Make. A bare column is
  // shared, not copied. For each value marked kFailed, and for no other, appends its reason to
  // `failed`, in order of rows. A failure in a branch that was not taken (CASE, COALESCE, false AND
  // ..) leaves no trace. When a value fails for several reasons, the leftmost argument's is given.
  std::shared_ptr<const data::Column> Evaluate(const data::Batch& batch,
                                               std::vector<FailedValue>& failed) const;

 private:
  explicit Evaluator(std::unique_ptr<const internal::Step> root);

  std::unique_ptr<const internal::Step> root_;
};

}  // namespace streamml::operators
