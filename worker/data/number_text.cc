#include "worker/data/number_text.h"

#include <algorithm>
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

// The number behind the e of a decimal one. What is beyond all texts that could make up for it is
// cut.
std::optional<int64_t> ParseExponent(std::string_view text) {
  constexpr int64_t kBeyond = int64_t{1} << 48;
  text = WithoutPlus(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end == text.data() || end != text.data() + text.size()) return std::nullopt;
  if (error != std::errc()) return text.front() == '-' ? -kBeyond : kBeyond;
  return std::clamp(value, -kBeyond, kBeyond);
}

}  // namespace

std::optional<int64_t> ParseBigint(std::string_view text) {
  text = WithoutPlus(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseWholeNumber(std::string_view text) {
  if (const auto value = ParseBigint(text); value.has_value()) return value;
  text = WithoutPlus(text);
  std::string sign;
  if (text.starts_with('-')) {
    sign = "-";
    text.remove_prefix(1);
  }
  int64_t exponent = 0;
  if (const size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    const auto parsed = ParseExponent(text.substr(e + 1));
    if (!parsed.has_value()) return std::nullopt;
    exponent = *parsed;
    text = text.substr(0, e);
  }
  std::string digits(text);
  if (const size_t point = digits.find('.'); point != std::string::npos) {
    digits.erase(point, 1);
    exponent -= static_cast<int64_t>(digits.size() - point);
  }
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  const size_t last = digits.find_last_not_of('0');
  if (last == std::string::npos) return 0;
  exponent += static_cast<int64_t>(digits.size() - 1 - last);
  digits.resize(last + 1);
  constexpr int64_t kMostZeros = std::numeric_limits<int64_t>::digits10;
  if (exponent < 0 || exponent > kMostZeros) return std::nullopt;
  digits.append(static_cast<size_t>(exponent), '0');
  return ParseBigint(sign + digits);
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
