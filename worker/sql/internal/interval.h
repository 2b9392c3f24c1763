// Intervals of fixed length, the only ones there are here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace streamml::sql::internal {

// Microseconds of '1 hour', '90 minutes', '1 day 2 hours', '01:30:00', '-5 s', '2 days ago'. A day
// has 24 hours. INVALID_ARGUMENT at `position` for anything else; months and years are refused by
// name.
absl::StatusOr<int64_t> ParseInterval(std::string_view text, int position);

// "1 day 2 hours 0.5 s", which ParseInterval reads back; "0 s" for none.
std::string FormatInterval(int64_t microseconds);

}  // namespace streamml::sql::internal
