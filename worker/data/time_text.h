// Timestamps from text and to text. Everything read lies in the years 0001 to 9999; everything
// computed (any int64) can be written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace streamml::data {

// Reads ISO 8601 and PostgreSQL's form: "2026-03-01", "2026-03-01T10:20", "2026-03-01
// 10:20:30.123456", with Z, +02, +0200 or +02:00 behind the time, which is converted to UTC;
// without one the time is UTC. (PostgreSQL's `timestamp` ignores the offset instead.) Digits beyond
// microseconds are rounded half to even; 24:00:00 and a 60th second are the next day and minute, as
// in PostgreSQL. The whole text must match, without blanks around it. INVALID_ARGUMENT says what is
// wrong.
absl::StatusOr<int64_t> ParseTimestamp(std::string_view text);

enum class TimeUnit : uint8_t {
  kSeconds = 1,
  kMilliseconds = 2,
  kMicroseconds = 3,
  kNanoseconds = 4
};

// "s", "ms", "us", "ns".
std::string_view TimeUnitName(TimeUnit unit);

// Reads a decimal number (sign, fraction and exponent allowed) of units since 1970-01-01 00:00 UTC.
// Exact, then rounded half to even to microseconds. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<int64_t> ParseEpoch(std::string_view text, TimeUnit unit);

// Appends "2026-03-01 10:20:30.5": what PostgreSQL prints, with " BC" for years before 1.
void AppendTimestampText(int64_t microseconds, std::string& out);

// Appends "2026-03-01T10:20:30.5Z"; years outside 0000 to 9999 carry a sign (ISO 8601 expanded
// form).
void AppendTimestampIso(int64_t microseconds, std::string& out);

}  // namespace streamml::data
