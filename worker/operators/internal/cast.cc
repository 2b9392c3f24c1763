// CAST between types, by PostgreSQL's rules and words.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "worker/data/number_text.h"
#include "worker/data/time_text.h"
#include "worker/operators/internal/kernels.h"

namespace streamml::operators::internal {

namespace {

using data::Type;

constexpr size_t kShownBytes = 200;

// `value` as an error message quotes it: long texts are cut, between two characters.
std::string Shown(std::string_view value) {
  if (value.size() <= kShownBytes) return std::string(value);
  size_t size = kShownBytes;
  while (size > 0 && (static_cast<unsigned char>(value[size]) & 0xC0) == 0x80) --size;
  return std::string(value.substr(0, size)) + "...";
}

void FailSyntax(Type type, std::string_view text, Result& result) {
  const char* message = "";
  switch (type) {
    case Type::kBoolean:
      message = "invalid input syntax for type boolean: \"";
      break;
    case Type::kBigint:
      message = "invalid input syntax for type bigint: \"";
      break;
    case Type::kDouble:
      message = "invalid input syntax for type double precision: \"";
      break;
    default:
      message = "invalid input syntax for type timestamp: \"";
  }
  result.Fail(message, Shown(text), "\"");
}

std::string_view WithoutBlanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

size_t CountDigits(std::string_view text) {
  size_t count = 0;
  while (count < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[count])))
    ++count;
  return count;
}

void SkipSign(std::string_view& text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
}

// Whether text that is not a bigint is a decimal integer all the same, out of range.
bool IsInteger(std::string_view text) {
  SkipSign(text);
  return !text.empty() && CountDigits(text) == text.size();
}

// The same for decimal numbers with fraction and exponent.
bool IsNumber(std::string_view text) {
  SkipSign(text);
  const size_t whole = CountDigits(text);
  text.remove_prefix(whole);
  size_t fraction = 0;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    fraction = CountDigits(text);
    text.remove_prefix(fraction);
  }
  if (whole + fraction == 0) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  return IsInteger(text);
}

void TextToBigint(std::string_view text, Result& result) {
  const std::string_view digits = WithoutBlanks(text);
  if (const auto value = data::ParseBigint(digits)) return result.Integer(*value);
  if (!IsInteger(digits)) return FailSyntax(Type::kBigint, text, result);
  result.Fail("value \"", Shown(text), "\" is out of range for type bigint");
}

void TextToDouble(std::string_view text, Result& result) {
  const std::string_view digits = WithoutBlanks(text);
  if (const auto value = data::ParseDouble(digits)) return result.ComputedDouble(*value);
  if (!IsNumber(digits)) return FailSyntax(Type::kDouble, text, result);
  result.Fail("\"", Shown(text), "\" is out of range for type double precision");
}

void TextToTimestamp(std::string_view text, Result& result) {
  const auto value = data::ParseTimestamp(WithoutBlanks(text));
  value.ok() ? result.Integer(*value) : FailSyntax(Type::kTimestamp, text, result);
}

// Any beginning of true, false, yes and no, "on", "of", "off", 1 and 0, in any case.
void TextToBoolean(std::string_view text, Result& result) {
  std::string word(WithoutBlanks(text));
  for (char& letter : word) letter = absl::ascii_tolower(static_cast<unsigned char>(letter));
  const auto begins = [&](std::string_view whole) {
    return !word.empty() && whole.substr(0, word.size()) == word;
  };
  if (word == "o") return FailSyntax(Type::kBoolean, text, result);
  if (begins("true") || begins("yes") || begins("on") || word == "1") return result.Boolean(true);
  if (begins("false") || begins("no") || begins("off") || word == "0") return result.Boolean(false);
  FailSyntax(Type::kBoolean, text, result);
}

// Rounds half to even, as PostgreSQL does.
void DoubleToBigint(double value, Result& result) {
  const double rounded = std::nearbyint(value);
  const bool fits = rounded >= -0x1p63 && rounded < 0x1p63;  // false for NaN
  fits ? result.Integer(static_cast<int64_t>(rounded)) : result.Fail("bigint out of range");
}

void ToText(const Values& value, size_t row, std::string& buffer) {
  switch (value.type()) {
    case Type::kBoolean:
      buffer = value.Boolean(row) ? "true" : "false";
      return;
    case Type::kBigint:
      return data::AppendBigintText(value.Integer(row), buffer);
    case Type::kDouble:
      return data::AppendDoubleText(value.Double(row), buffer);
    case Type::kTimestamp:
      return data::AppendTimestampText(value.Integer(row), buffer);
    case Type::kText:
      buffer = value.Text(row);
  }
}

Values CastToText(const Values& value, Arguments arguments, size_t rows) {
  std::string buffer;
  return Strict(Type::kText, arguments, rows, [&](size_t row, Result& result) {
    buffer.clear();
    ToText(value, row, buffer);
    result.Text(buffer);
  });
}

Values CastText(const Values& value, Type to, Arguments arguments, size_t rows) {
  void (*parse)(std::string_view, Result&) = to == Type::kBoolean  ? TextToBoolean
                                             : to == Type::kBigint ? TextToBigint
                                             : to == Type::kDouble ? TextToDouble
                                                                   : TextToTimestamp;
  return Strict(to, arguments, rows,
                [&](size_t row, Result& result) { parse(value.Text(row), result); });
}

Values CastNumber(const Values& value, Type to, Arguments arguments, size_t rows) {
  return Strict(to, arguments, rows, [&](size_t row, Result& result) {
    if (to == Type::kBoolean) return result.Boolean(value.Integer(row) != 0);
    if (value.type() == Type::kBoolean) return result.Integer(value.Boolean(row));
    if (to == Type::kDouble) return result.Double(static_cast<double>(value.Integer(row)));
    DoubleToBigint(value.Double(row), result);
  });
}

}  // namespace

bool CanCast(Type from, Type to) {
  if (from == to || from == Type::kText || to == Type::kText) return true;
  const auto between = [&](Type a, Type b) {
    return (from == a && to == b) || (from == b && to == a);
  };
  return between(Type::kBigint, Type::kDouble) || between(Type::kBigint, Type::kBoolean);
}

Values EvaluateCast(const sql::Expression& expression, Arguments arguments, size_t rows) {
  const Values& value = arguments[0];
  const Type to = expression.type;
  if (value.type() == to) return value;
  if (to == Type::kText) return CastToText(value, arguments, rows);
  if (value.type() == Type::kText) return CastText(value, to, arguments, rows);
  return CastNumber(value, to, arguments, rows);
}

}  // namespace streamml::operators::internal
