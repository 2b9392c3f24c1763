#include "worker/data/number_text.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "absl/strings/match.h"

namespace streamml::data {
namespace {

// std::from_chars takes '-' but not '+'.
std::string_view WithoutPlus(std::string_view text) {
  const bool has_plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  return has_plus ? text.substr(1) : text;
}

std::optional<double> ParseSpecial(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  const absl::string_view name(text.data() + (negative ? 1 : 0), text.size() - (negative ? 1 : 0));
  if (absl::EqualsIgnoreCase(name, "inf") || absl::EqualsIgnoreCase(name, "infinity")) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return negative ? -kInfinity : kInfinity;
  }
  if (!negative && absl::EqualsIgnoreCase(name, "nan")) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> ParseBigint(std::string_view text) {
  text = WithoutPlus(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(std::string_view text) {
  text = WithoutPlus(text);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  // from_chars also reads names such as nan(7), which are not numbers here.
  if (!std::isfinite(value)) return ParseSpecial(text);
  return value;
}

void AppendBigintText(int64_t value, std::string& out) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void AppendDoubleText(double value, std::string& out) {
  if (std::isnan(value)) {
    out.append("NaN");
    return;
  }
  if (std::isinf(value)) {
    out.append(value < 0 ? "-Infinity" : "Infinity");
    return;
  }
  const double size = std::fabs(value);
  const bool is_fixed = size == 0 || (size >= 1e-4 && size < 1e15);
  char text[32];  // the longest: -1.7976931348623157e+308
  const auto format = is_fixed ? std::chars_format::fixed : std::chars_format::scientific;
  out.append(text, std::to_chars(text, text + sizeof text, value, format).ptr);
}

}  // namespace streamml::data
