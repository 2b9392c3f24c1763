// Numbers as the grammar hands them on: texts of integers beyond 32 bits and of decimals.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "worker/sql/internal/typing.h"

namespace streamml::sql::internal {

// Integers (decimal, 0x, 0o, 0b, with underscores) become bigint, decimals double precision. What
// is out of their range is refused.
absl::StatusOr<Typed> ReadNumber(const std::string& text, int position);

}  // namespace streamml::sql::internal
