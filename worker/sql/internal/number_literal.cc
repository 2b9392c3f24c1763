#include "worker/sql/internal/number_literal.h"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "worker/data/number_text.h"
#include "worker/sql/internal/error.h"
#include "worker/sql/internal/text.h"

namespace streamml::sql::internal {
namespace {

// Integers beyond int4, in any of PostgreSQL's bases, and decimals come as text.
std::optional<int64_t> ReadInteger(std::string_view text) {
  constexpr std::array<std::pair<const char*, int>, 3> kPrefixes = {
      {{"0x", 16}, {"0o", 8}, {"0b", 2}}};
  const std::string sign = text.starts_with('-') ? "-" : "";
  for (const auto& [prefix, base] : kPrefixes) {
    if (!StartsWithIgnoreCase(text, sign + prefix)) continue;
    const std::string digits = absl::StrCat(sign, text.substr(sign.size() + 2));
    int64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
    if (error != std::errc() || stop != end) return std::nullopt;
    return value;
  }
  return data::ParseBigint(text);
}

}  // namespace

absl::StatusOr<Typed> ReadNumber(const std::string& text, int position) {
  std::string digits = text;
  std::erase(digits, '_');
  const bool is_hexadecimal = Contains(ToLower(digits), "0x");
  if (is_hexadecimal || digits.find_first_of(".eE") == std::string::npos) {
    const std::optional<int64_t> integer = ReadInteger(digits);
    if (integer.has_value())
      return MakeValue(MakeConstant(*integer, data::Type::kBigint, position));
    return ErrorAt(position, "integer ", text,
                   " is out of range for bigint; write it with a decimal point for ",
                   "double precision");
  }
  const std::optional<double> number = data::ParseDouble(digits);
  if (number.has_value()) return MakeValue(MakeConstant(*number, data::Type::kDouble, position));
  return ErrorAt(position, "number ", text, " is out of range for double precision");
}

}  // namespace streamml::sql::internal
