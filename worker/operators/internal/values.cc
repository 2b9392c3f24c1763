#include "worker/operators/internal/values.h"

#include <algorithm>

#include "absl/log/check.h"

namespace streamml::operators::internal {

namespace {
const Failure& FailureAt(const Values& values, size_t row) {
  const auto place =
      std::lower_bound(values.failures.begin(), values.failures.end(), values.At(row),
                       [](const Failure& failure, size_t wanted) { return failure.row < wanted; });
  CHECK(place != values.failures.end() && place->row == values.At(row))
      << "a failed value without a reason: a failed row entered the operator";
  return *place;
}
}  // namespace

void Result::Copy(const Values& values, size_t row) {
  if (values.mark(row) == data::Mark::kFailed) return FailAs({&values, 1}, row);
  column_->AppendFrom(*values.column, values.At(row));
}

void Result::FailAs(Arguments arguments, size_t row) {
  for (const Values& argument : arguments) {
    if (argument.mark(row) != data::Mark::kFailed) continue;
    const Failure& failure = FailureAt(argument, row);
    return Fail(failure.message, failure.detail, failure.rest);
  }
  CHECK(false) << "no argument failed";
}

}  // namespace streamml::operators::internal
