// Texts of a manifest as typed values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace streamml::manifest {

// Microseconds of "500ms", "30s", "1h30m", "7d": whole numbers, each with one of the units d, h, m,
// s, ms, us, each unit at most once, largest first; from 0 to 36500d. A bare 0 needs a unit.
absl::StatusOr<int64_t> ParseDuration(std::string_view text);

// The shortest such text of that many microseconds: 90000000 -> "1m30s", 0 -> "0s". Requires a
// value
// >= 0; ParseDuration gives it back.
std::string FormatDuration(int64_t microseconds);

// Share in [0, 1] of "1%", "0.5%", "100%"; at most six decimals.
absl::StatusOr<double> ParsePercent(std::string_view text);

// A whole number, decimal digits with an optional minus sign, nothing around it.
absl::StatusOr<int64_t> ParseInteger(std::string_view text);

}  // namespace streamml::manifest
