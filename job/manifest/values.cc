#include "job/manifest/values.h"

#include <array>
#include <charconv>

#include "absl/strings/ascii.h"
#include "base/status.h"

namespace streamml::manifest {
namespace {

struct Unit {
  std::string_view name;
  int64_t microseconds;
};

// Largest first.
constexpr std::array<Unit, 6> kUnits = {{{"d", 86'400'000'000},
                                         {"h", 3'600'000'000},
                                         {"m", 60'000'000},
                                         {"s", 1'000'000},
                                         {"ms", 1'000},
                                         {"us", 1}}};
constexpr int64_t kMaxDuration = 36'500 * kUnits[0].microseconds;

absl::Status NoDuration() {
  return absl::InvalidArgumentError("not a duration; write it like 500ms, 30s, 1h30m or 7d");
}

// All of `text` as a number; false if it is none or does not fit.
template <typename Number>
bool ReadNumber(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::string_view TakeWhile(std::string_view& text, bool (*matches)(unsigned char)) {
  size_t size = 0;
  while (size < text.size() && matches(static_cast<unsigned char>(text[size]))) ++size;
  const std::string_view result = text.substr(0, size);
  text.remove_prefix(size);
  return result;
}

}  // namespace

absl::StatusOr<int64_t> ParseDuration(std::string_view text) {
  if (text.empty()) return NoDuration();
  int64_t total = 0;
  size_t next_unit = 0;
  while (!text.empty()) {
    const std::string_view digits = TakeWhile(text, absl::ascii_isdigit);
    const std::string_view unit = TakeWhile(text, absl::ascii_isalpha);
    while (next_unit < kUnits.size() && kUnits[next_unit].name != unit) ++next_unit;
    int64_t count = 0;
    if (digits.empty() || next_unit == kUnits.size()) return NoDuration();
    const int64_t size = kUnits[next_unit].microseconds;
    if (!ReadNumber(digits, count) || count > (kMaxDuration - total) / size) {
      return absl::InvalidArgumentError("duration too long; at most 36500d");
    }
    total += count * size;
    ++next_unit;
  }
  return total;
}

std::string FormatDuration(int64_t microseconds) {
  if (microseconds == 0) return "0s";
  std::string result;
  for (const Unit& unit : kUnits) {
    const int64_t count = microseconds / unit.microseconds;
    if (count > 0) absl::StrAppend(&result, count, unit.name);
    microseconds -= count * unit.microseconds;
  }
  return result;
}

absl::StatusOr<double> ParsePercent(std::string_view text) {
  absl::Status error =
      absl::InvalidArgumentError("not a percentage; write it like 1%, 0.5% or 100%");
  if (!text.ends_with('%')) return error;
  text.remove_suffix(1);
  const std::string_view whole = TakeWhile(text, absl::ascii_isdigit);
  std::string_view decimals;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    decimals = TakeWhile(text, absl::ascii_isdigit);
    if (decimals.empty()) return error;
  }
  if (whole.empty() || whole.size() > 3 || decimals.size() > 6 || !text.empty()) return error;
  const std::string number = absl::StrCat(whole, ".", decimals, "0");
  double percent = 0;
  if (!ReadNumber(std::string_view(number), percent)) return error;
  if (percent > 100) return absl::InvalidArgumentError("percentage above 100%");
  return percent / 100;
}

absl::StatusOr<int64_t> ParseInteger(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  int64_t value = 0;
  const bool is_number =
      !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_number) return absl::InvalidArgumentError("not a whole number");
  if (!ReadNumber(text, value)) {
    return absl::InvalidArgumentError("whole number out of the range of 64 bits");
  }
  return value;
}

}  // namespace streamml::manifest
