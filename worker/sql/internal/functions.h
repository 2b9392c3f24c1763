// The table of scalar functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/sql/internal/typing.h"

namespace streamml::sql::internal {

// A call by name, with its arguments already typed. Unknown and unsupported functions are refused
// by name at `position`.
absl::StatusOr<Typed> CallFunction(std::string_view name, std::vector<Typed> arguments,
                                   int position);

// count, sum, avg, min and max.
bool IsAggregate(std::string_view name);

// extract(field FROM x), date_part('field', x) and date_trunc('field', x): true if the name is one
// of them. Their first argument is a constant that is no value.
bool IsTimeFunction(std::string_view name);

// Names of all functions, aggregates and time functions included; for suggestions and docs.
std::vector<std::string> FunctionNames();

}  // namespace streamml::sql::internal
