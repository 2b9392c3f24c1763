#include "worker/data/time_text.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/data/civil_time.h"

namespace streamml::data {
namespace {

constexpr int64_t kMicrosecondsPerSecond = 1000000;
constexpr int64_t kFirst = -62135596800 * kMicrosecondsPerSecond;     // 0001-01-01 00:00:00
constexpr int64_t kLast = 253402300800 * kMicrosecondsPerSecond - 1;  // 9999-12-31 23:59:59.999999
constexpr size_t kShownBytes = 64;

absl::Status Refused(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("timestamp '", text.substr(0, kShownBytes),
                   text.size() > kShownBytes ? "...': " : "': ", why));
}

bool IsDigit(char character) { return character >= '0' && character <= '9'; }

// Whether decimal digits behind the last kept one round `kept` up, half to even.
bool RoundsUp(std::string_view dropped, bool kept_is_odd) {
  if (dropped.empty() || dropped[0] != '5') return !dropped.empty() && dropped[0] > '5';
  const bool above_half = dropped.find_first_not_of('0', 1) != std::string_view::npos;
  return above_half || kept_is_odd;
}

// Reads the parts of one text from left to right; the first failure stays.
class TimestampReader {
 public:
  explicit TimestampReader(std::string_view text) : text_(text), rest_(text) {}

  absl::StatusOr<int64_t> Read();

 private:
  bool Date();
  bool Time();
  bool Fraction();
  bool Zone();
  // Exactly `digits` digits into `value`, within [low, high].
  bool Number(int digits, std::string_view what, int low, int high, int& value);
  bool Skip(char character);
  bool Fail(std::string why) {
    if (why_.empty()) why_ = std::move(why);
    return false;
  }

  std::string_view text_;
  std::string_view rest_;
  std::string why_;
  int64_t days_ = 0;
  int64_t seconds_ = 0;
  int64_t microseconds_ = 0;
};

bool TimestampReader::Number(int digits, std::string_view what, int low, int high, int& value) {
  value = 0;
  for (int index = 0; index < digits; ++index) {
    if (rest_.empty() || !IsDigit(rest_.front())) {
      return Fail(absl::StrCat("expected ", digits, " digits of the ", what,
                               ", allowed: YYYY-MM-DD[ HH:MM[:SS[.ffffff]][Z or +HH:MM]]"));
    }
    value = value * 10 + (rest_.front() - '0');
    rest_.remove_prefix(1);
  }
  if (value < low || value > high) {
    return Fail(absl::StrCat(what, " ", value, ", allowed ", low, " to ", high));
  }
  return true;
}

bool TimestampReader::Skip(char character) {
  if (rest_.empty() || rest_.front() != character) return false;
  rest_.remove_prefix(1);
  return true;
}

bool TimestampReader::Date() {
  int year, month, day;
  if (!Number(4, "year", 1, 9999, year)) return false;
  if (!Skip('-')) return Fail("expected '-' behind the year");
  if (!Number(2, "month", 1, 12, month)) return false;
  if (!Skip('-')) return Fail("expected '-' behind the month");
  if (!Number(2, "day", 1, DaysInMonth(year, month), day)) return false;
  days_ = DaysFromCivil(year, month, day);
  return true;
}

bool TimestampReader::Time() {
  int hour, minute;
  int second = 0;
  if (!Number(2, "hour", 0, 24, hour)) return false;
  if (!Skip(':')) return Fail("expected ':' behind the hour");
  if (!Number(2, "minute", 0, 59, minute)) return false;
  if (Skip(':')) {
    if (!Number(2, "second", 0, 60, second)) return false;
    if (Skip('.') && !Fraction()) return false;
  }
  if (hour == 24 && (minute != 0 || second != 0 || microseconds_ != 0)) {
    return Fail("hour 24, allowed only as 24:00:00");
  }
  seconds_ = hour * 3600 + minute * 60 + second;
  return true;
}

bool TimestampReader::Fraction() {
  size_t digits = 0;
  while (digits < rest_.size() && IsDigit(rest_[digits])) ++digits;
  if (digits == 0) return Fail("expected digits behind '.'");
  for (size_t index = 0; index < 6; ++index) {
    microseconds_ = microseconds_ * 10 + (index < digits ? rest_[index] - '0' : 0);
  }
  if (digits > 6 && RoundsUp(rest_.substr(6, digits - 6), microseconds_ % 2 == 1)) ++microseconds_;
  rest_.remove_prefix(digits);
  return true;
}

bool TimestampReader::Zone() {
  if (Skip('Z') || Skip('z')) return true;
  const bool east = Skip('+');
  if (!east && !Skip('-')) return true;
  int hours;
  int minutes = 0;
  if (!Number(2, "zone hour", 0, 15, hours)) return false;
  const bool has_colon = Skip(':');
  if ((has_colon || !rest_.empty()) && !Number(2, "zone minute", 0, 59, minutes)) return false;
  const int64_t offset = hours * 3600 + minutes * 60;
  seconds_ -= east ? offset : -offset;
  return true;
}

absl::StatusOr<int64_t> TimestampReader::Read() {
  bool ok = Date();
  if (ok && !rest_.empty()) {
    if (Skip('T') || Skip(' ') || Skip('t')) {
      ok = Time() && Zone();
    } else {
      ok = Fail("expected 'T' or a blank behind the date");
    }
  }
  if (ok && !rest_.empty())
    ok = Fail(absl::StrCat("unexpected '", rest_.substr(0, kShownBytes), "'"));
  if (!ok) return Refused(text_, why_);
  const int64_t result = (days_ * 86400 + seconds_) * kMicrosecondsPerSecond + microseconds_;
  if (result < kFirst || result > kLast) return Refused(text_, "outside of the years 0001 to 9999");
  return result;
}

// The decimal number in `text` as digits and the power of ten of a point in front of them.
struct Decimal {
  bool negative = false;
  std::string digits;  // without leading zeros
  int64_t point = 0;   // value = 0.digits * 10^point
};

bool ReadExponent(std::string_view text, int64_t& exponent) {
  const bool has_plus = !text.empty() && text.front() == '+';
  if (has_plus) text.remove_prefix(1);
  if (text.empty() || (has_plus && !IsDigit(text.front()))) return false;
  constexpr int64_t kLimit = 1000000;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return false;
  if (error != std::errc()) exponent = text.front() == '-' ? -kLimit : kLimit;
  exponent = std::clamp(exponent, -kLimit, kLimit);
  return true;
}

bool ReadDecimal(std::string_view text, Decimal& decimal) {
  decimal.negative = !text.empty() && text.front() == '-';
  if (decimal.negative) text.remove_prefix(1);
  int64_t exponent = 0;
  const size_t mark = text.find_first_of("eE");
  if (mark != std::string_view::npos) {
    if (!ReadExponent(text.substr(mark + 1), exponent)) return false;
    text = text.substr(0, mark);
  }
  const size_t point = std::min(text.find('.'), text.size());
  decimal.digits = text.substr(0, point);
  if (decimal.digits.empty()) return false;
  if (point < text.size()) {
    if (point + 1 == text.size()) return false;
    decimal.digits.append(text.substr(point + 1));
  }
  if (!std::all_of(decimal.digits.begin(), decimal.digits.end(), IsDigit)) return false;
  const size_t zeros = std::min(decimal.digits.find_first_not_of('0'), decimal.digits.size());
  decimal.digits.erase(0, zeros);
  decimal.point = static_cast<int64_t>(point) - static_cast<int64_t>(zeros) + exponent;
  return true;
}

int PowerOfUnit(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kSeconds:
      return 6;
    case TimeUnit::kMilliseconds:
      return 3;
    case TimeUnit::kMicroseconds:
      return 0;
    case TimeUnit::kNanoseconds:
      return -3;
  }
  return 0;
}

void AppendPadded(int64_t value, size_t width, std::string& out) {
  char digits[20];
  const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const auto size = static_cast<size_t>(end - digits);
  if (size < width) out.append(width - size, '0');
  out.append(digits, size);
}

void AppendDateAndTime(const CivilTime& civil, int64_t shown_year, char separator,
                       std::string& out) {
  AppendPadded(shown_year, 4, out);
  out.push_back('-');
  AppendPadded(civil.month, 2, out);
  out.push_back('-');
  AppendPadded(civil.day, 2, out);
  out.push_back(separator);
  AppendPadded(civil.hour, 2, out);
  out.push_back(':');
  AppendPadded(civil.minute, 2, out);
  out.push_back(':');
  AppendPadded(civil.second, 2, out);
  if (civil.microsecond == 0) return;
  out.push_back('.');
  AppendPadded(civil.microsecond, 6, out);
  while (out.back() == '0') out.pop_back();
}

}  // namespace

absl::StatusOr<int64_t> ParseTimestamp(std::string_view text) {
  return TimestampReader(text).Read();
}

std::string_view TimeUnitName(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kSeconds:
      return "s";
    case TimeUnit::kMilliseconds:
      return "ms";
    case TimeUnit::kMicroseconds:
      return "us";
    case TimeUnit::kNanoseconds:
      return "ns";
  }
  return "unknown unit";
}

absl::StatusOr<int64_t> ParseEpoch(std::string_view text, TimeUnit unit) {
  Decimal decimal;
  if (!ReadDecimal(text, decimal)) return Refused(text, "expected a decimal number");
  if (decimal.digits.empty()) return 0;
  constexpr int64_t kMaxDigits = 18;  // of kLast
  const int64_t point = decimal.point + PowerOfUnit(unit);
  const std::string range =
      absl::StrCat("in ", TimeUnitName(unit), " outside of the years 0001 to 9999");
  if (point > kMaxDigits) return Refused(text, range);
  if (point < 0) return 0;
  const auto kept = static_cast<size_t>(point);
  int64_t result = 0;
  for (size_t index = 0; index < kept; ++index) {
    result = result * 10 + (index < decimal.digits.size() ? decimal.digits[index] - '0' : 0);
  }
  if (kept < decimal.digits.size() &&
      RoundsUp(std::string_view(decimal.digits).substr(kept), result % 2 == 1)) {
    ++result;
  }
  if (decimal.negative) result = -result;
  if (result < kFirst || result > kLast) return Refused(text, range);
  return result;
}

void AppendTimestampText(int64_t microseconds, std::string& out) {
  const CivilTime civil = ToCivil(microseconds);
  const bool before_christ = civil.year <= 0;
  AppendDateAndTime(civil, before_christ ? 1 - civil.year : civil.year, ' ', out);
  if (before_christ) out.append(" BC");
}

void AppendTimestampIso(int64_t microseconds, std::string& out) {
  const CivilTime civil = ToCivil(microseconds);
  if (civil.year < 0) out.push_back('-');
  if (civil.year > 9999) out.push_back('+');
  AppendDateAndTime(civil, civil.year < 0 ? -civil.year : civil.year, 'T', out);
  out.push_back('Z');
}

}  // namespace streamml::data
