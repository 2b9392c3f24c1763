#include "worker/sql/internal/interval.h"

#include <array>
#include <limits>
#include <optional>

#include "absl/numeric/int128.h"
#include "absl/strings/str_format.h"
#include "worker/sql/internal/error.h"
#include "worker/sql/internal/text.h"

namespace streamml::sql::internal {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kNano = 1'000'000'000;  // a fraction is counted in parts of it
constexpr int64_t kMonths = 0;            // in place of a length: there is none

struct Unit {
  std::string_view name;
  int64_t microseconds;
};
constexpr std::array kUnits = std::to_array<Unit>({
    {"us", 1},
    {"usec", 1},
    {"usecs", 1},
    {"microsecond", 1},
    {"microseconds", 1},
    {"ms", 1000},
    {"msec", 1000},
    {"msecs", 1000},
    {"millisecond", 1000},
    {"milliseconds", 1000},
    {"s", kSecond},
    {"sec", kSecond},
    {"secs", kSecond},
    {"second", kSecond},
    {"seconds", kSecond},
    {"m", 60 * kSecond},
    {"min", 60 * kSecond},
    {"mins", 60 * kSecond},
    {"minute", 60 * kSecond},
    {"minutes", 60 * kSecond},
    {"h", 3600 * kSecond},
    {"hr", 3600 * kSecond},
    {"hrs", 3600 * kSecond},
    {"hour", 3600 * kSecond},
    {"hours", 3600 * kSecond},
    {"d", 86'400 * kSecond},
    {"day", 86'400 * kSecond},
    {"days", 86'400 * kSecond},
    {"w", 604'800 * kSecond},
    {"week", 604'800 * kSecond},
    {"weeks", 604'800 * kSecond},
    {"mon", kMonths},
    {"mons", kMonths},
    {"month", kMonths},
    {"months", kMonths},
    {"y", kMonths},
    {"yr", kMonths},
    {"yrs", kMonths},
    {"year", kMonths},
    {"years", kMonths},
    {"decade", kMonths},
    {"decades", kMonths},
    {"century", kMonths},
    {"centuries", kMonths},
    {"millennium", kMonths},
    {"millennia", kMonths},
});

const Unit* FindUnit(std::string_view word) {
  for (const Unit& unit : kUnits) {
    if (EqualsIgnoreCase(unit.name, word)) return &unit;
  }
  return nullptr;
}

// Reads an interval from front to back. Sums are 128 bits wide: a part has at most 18 digits before
// the point and the text is bounded, so they cannot overflow.
class IntervalReader {
 public:
  IntervalReader(std::string_view text, int position)
      : whole_(text), text_(text), position_(position) {}

  absl::StatusOr<int64_t> Read() {
    SkipBlanks();
    if (text_.empty()) return Malformed();
    while (!text_.empty()) {
      if (TakeAgo()) break;
      if (absl::Status status = ReadPart(); !status.ok()) return status;
      SkipBlanks();
    }
    if (total_ > std::numeric_limits<int64_t>::max() ||
        total_ < std::numeric_limits<int64_t>::min()) {
      return ErrorAt(position_, "interval '", whole_, "' is out of range");
    }
    return static_cast<int64_t>(total_);
  }

 private:
  struct Number {
    int64_t whole = 0;
    int64_t fraction = 0;  // in parts of kNano
  };

  absl::Status Malformed() const {
    return ErrorAt(
        position_, "'", whole_,
        "' is not an interval; write a number and a unit, for example '1 hour' or '90 minutes'");
  }
  void SkipBlanks() { text_ = StripFront(text_); }

  std::string_view TakeWhile(bool (*accepted)(unsigned char)) {
    size_t size = 0;
    while (size < text_.size() && accepted(static_cast<unsigned char>(text_[size]))) ++size;
    const std::string_view taken = text_.substr(0, size);
    text_.remove_prefix(size);
    return taken;
  }

  // "ago" ends the text and turns its sign.
  bool TakeAgo() {
    if (total_parts_ == 0 || !EqualsIgnoreCase(Strip(text_), "ago")) return false;
    text_ = {};
    total_ = -total_;
    return true;
  }

  std::optional<Number> TakeNumber() {
    const std::string_view digits = TakeWhile(absl::ascii_isdigit);
    std::string_view fraction;
    if (text_.starts_with('.')) {
      text_.remove_prefix(1);
      fraction = TakeWhile(absl::ascii_isdigit);
    }
    if (digits.size() > 18 || fraction.size() > 9 || digits.size() + fraction.size() == 0)
      return std::nullopt;
    Number number;
    for (const char digit : digits) number.whole = number.whole * 10 + (digit - '0');
    for (size_t i = 0; i < 9; ++i) {
      number.fraction = number.fraction * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
    }
    return number;
  }

  // A number of units, to the microsecond. As PostgreSQL rounds: halves go towards zero.
  static absl::int128 Length(const Number& number, int64_t unit) {
    const absl::int128 fraction = absl::int128(number.fraction) * unit;
    return absl::int128(number.whole) * unit + (fraction + 499'999'999) / kNano;
  }

  // Seconds of HH:MM:SS, to the microsecond. As PostgreSQL rounds: halves go to the even one.
  static absl::int128 ClockSeconds(const Number& number) {
    constexpr int64_t kPerMicrosecond = kNano / kSecond;
    const int64_t down = number.fraction / kPerMicrosecond;
    const int64_t rest = number.fraction % kPerMicrosecond;
    const bool is_up = 2 * rest > kPerMicrosecond || (2 * rest == kPerMicrosecond && down % 2 == 1);
    return absl::int128(number.whole) * kSecond + down + (is_up ? 1 : 0);
  }

  absl::Status ReadPart() {
    bool negative = false;
    if (text_.front() == '-' || text_.front() == '+') {
      negative = text_.front() == '-';
      text_.remove_prefix(1);
      SkipBlanks();
    }
    const std::optional<Number> number = TakeNumber();
    if (!number.has_value()) return Malformed();
    absl::int128 length = 0;
    const bool is_clock = text_.starts_with(':');
    if (absl::Status status = is_clock ? ReadClock(*number, length) : ReadUnit(*number, length);
        !status.ok()) {
      return status;
    }
    total_ += negative ? -length : length;
    ++total_parts_;
    return absl::OkStatus();
  }

  absl::Status ReadUnit(const Number& number, absl::int128& length) {
    SkipBlanks();
    const std::string_view word = TakeWhile(absl::ascii_isalpha);
    const Unit* unit = FindUnit(word);
    if (unit == nullptr) return Malformed();
    if (unit->microseconds == kMonths) {
      return ErrorAt(position_, "interval '", whole_, "' has no fixed length, because of '", word,
                     "'; write days or hours");
    }
    length = Length(number, unit->microseconds);
    return absl::OkStatus();
  }

  // HH:MM or HH:MM:SS[.ffffff] after the hours.
  absl::Status ReadClock(const Number& hours, absl::int128& length) {
    text_.remove_prefix(1);
    const std::optional<Number> minutes = TakeNumber();
    std::optional<Number> seconds = Number{};
    if (text_.starts_with(':')) {
      text_.remove_prefix(1);
      seconds = TakeNumber();
    }
    const bool is_time = minutes.has_value() && seconds.has_value() && hours.fraction == 0 &&
                         minutes->fraction == 0 && minutes->whole < 60 && seconds->whole < 60;
    if (!is_time) return Malformed();
    length =
        Length(hours, 3600 * kSecond) + Length(*minutes, 60 * kSecond) + ClockSeconds(*seconds);
    return absl::OkStatus();
  }

  std::string_view whole_;
  std::string_view text_;
  int position_;
  absl::int128 total_ = 0;
  int total_parts_ = 0;
};

void AppendCount(std::string& text, bool negative, uint64_t count, std::string_view unit) {
  if (count == 0) return;
  absl::StrAppend(&text, text.empty() ? "" : " ", negative ? "-" : "", count, " ", unit,
                  count == 1 ? "" : "s");
}

}  // namespace

absl::StatusOr<int64_t> ParseInterval(std::string_view text, int position) {
  return IntervalReader(text, position).Read();
}

std::string FormatInterval(int64_t microseconds) {
  const bool negative = microseconds < 0;
  uint64_t rest =
      negative ? 0 - static_cast<uint64_t>(microseconds) : static_cast<uint64_t>(microseconds);
  constexpr uint64_t kUnit = 1'000'000;
  std::string text;
  AppendCount(text, negative, rest / (86'400 * kUnit), "day");
  rest %= 86'400 * kUnit;
  AppendCount(text, negative, rest / (3600 * kUnit), "hour");
  rest %= 3600 * kUnit;
  AppendCount(text, negative, rest / (60 * kUnit), "minute");
  rest %= 60 * kUnit;
  AppendCount(text, negative, rest % kUnit == 0 ? rest / kUnit : 0, "second");
  if (rest % kUnit != 0) {
    absl::StrAppend(&text, text.empty() ? "" : " ", negative ? "-" : "",
                    absl::StrFormat("%d.%06d seconds", rest / kUnit, rest % kUnit));
  }
  return text.empty() ? "0 seconds" : text;
}

}  // namespace streamml::sql::internal
