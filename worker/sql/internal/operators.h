// Operators of SQL over typed values: which types each takes and what it becomes.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "worker/sql/internal/typing.h"

namespace streamml::sql::internal {

// `left name right`: + - * / % ^ || and the comparisons. `position` is the operator's. Unknown and
// unsupported operators are refused by name.
absl::StatusOr<Typed> ApplyBinary(std::string_view name, Typed left, Typed right, int position);
// `name operand`: + and -.
absl::StatusOr<Typed> ApplyUnary(std::string_view name, Typed operand, int position);
// A comparison by its function (kEqual ... kGreaterOrEqual, kDistinct, kNotDistinct, kNullIf);
// `name` is for messages.
absl::StatusOr<Expression> Compare(Function function, std::string_view name, Typed left,
                                   Typed right, int position);

}  // namespace streamml::sql::internal
