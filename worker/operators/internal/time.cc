// extract, date_trunc and timestamp arithmetic, in UTC and the proleptic Gregorian calendar; weeks
// are those of ISO 8601.
#include <algorithm>
#include <cstdint>
#include <limits>

#include "worker/data/civil_time.h"
#include "worker/operators/internal/kernels.h"

namespace streamml::operators::internal {

namespace {

using data::CivilTime;
using data::Type;
using sql::TimeField;

constexpr const char* kTimeRange = "timestamp out of range";
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
// PostgreSQL's first timestamp, 4714-11-24 00:00 BC. Its last is beyond what 64 bits hold from
// 1970.
constexpr int64_t kFirstTimestamp = -210'866'803'200 * kSecond;

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0); }
int64_t FloorModulo(int64_t a, int64_t b) { return a % b < 0 ? a % b + b : a % b; }

// Monday is 1, Sunday 7.
int64_t IsoDayOfWeek(int64_t days) { return FloorModulo(days + 3, 7) + 1; }

// The date of a day. The outermost days of 64 bits of microseconds, 292,000 years from now, are not
// whole.
CivilTime DateOf(int64_t days) {
  constexpr int64_t kLastDay = std::numeric_limits<int64_t>::max() / kDay;
  return data::ToCivil(std::clamp(days, -kLastDay, kLastDay) * kDay);
}

int64_t DayOfYear(int64_t days) { return days - data::DaysFromCivil(DateOf(days).year, 1, 1) + 1; }

// The week that holds the Thursday of this day's week, counted in that Thursday's year.
int64_t IsoWeek(int64_t days) {
  const int64_t thursday = days - IsoDayOfWeek(days) + 4;
  return (DayOfYear(thursday) - 1) / 7 + 1;
}

double Extract(TimeField field, int64_t time) {
  const int64_t days = FloorDivide(time, kDay);
  const int64_t in_day = FloorModulo(time, kDay);
  const int64_t in_minute = in_day % kMinute;
  switch (field) {
    case TimeField::kMicroseconds:
      return static_cast<double>(in_minute);
    case TimeField::kMilliseconds:
      return static_cast<double>(in_minute) / 1e3;
    case TimeField::kSecond:
      return static_cast<double>(in_minute) / 1e6;
    case TimeField::kMinute:
      return static_cast<double>(in_day / kMinute % 60);
    case TimeField::kHour:
      return static_cast<double>(in_day / kHour);  // NOLINT(bugprone-integer-division): whole
    case TimeField::kDay:
      return DateOf(days).day;
    case TimeField::kDayOfWeek:
      return static_cast<double>(IsoDayOfWeek(days) % 7);
    case TimeField::kIsoDayOfWeek:
      return static_cast<double>(IsoDayOfWeek(days));
    case TimeField::kDayOfYear:
      return static_cast<double>(DayOfYear(days));
    case TimeField::kWeek:
      return static_cast<double>(IsoWeek(days));
    case TimeField::kMonth:
      return DateOf(days).month;
    case TimeField::kQuarter:
      return (DateOf(days).month + 2) / 3;  // NOLINT(bugprone-integer-division): whole quarters
    case TimeField::kYear: {
      // There is no year 0: 1 BC is -1.
      const int64_t year = DateOf(days).year;
      return static_cast<double>(year > 0 ? year : year - 1);
    }
    case TimeField::kEpoch:
      return static_cast<double>(time) / 1e6;
  }
  return 0;
}

int64_t FirstDayOfMonth(int64_t days, int months) {
  const CivilTime date = DateOf(days);
  return data::DaysFromCivil(date.year, (date.month - 1) / months * months + 1, 1);
}

// The field in microseconds, or 0 where its length varies.
int64_t FieldLength(TimeField field) {
  switch (field) {
    case TimeField::kMicroseconds:
      return 1;
    case TimeField::kMilliseconds:
      return 1000;
    case TimeField::kSecond:
      return kSecond;
    case TimeField::kMinute:
      return kMinute;
    case TimeField::kHour:
      return kHour;
    case TimeField::kDay:
      return kDay;
    default:
      return 0;
  }
}

// Days since 1970 at which the week, month, quarter or year of `days` began.
int64_t TruncateDays(TimeField field, int64_t days) {
  switch (field) {
    case TimeField::kWeek:
      return days - IsoDayOfWeek(days) + 1;
    case TimeField::kMonth:
      return FirstDayOfMonth(days, 1);
    case TimeField::kQuarter:
      return FirstDayOfMonth(days, 3);
    default:
      return FirstDayOfMonth(days, 12);
  }
}

bool Truncate(TimeField field, int64_t time, int64_t& result) {
  if (const int64_t length = FieldLength(field); length > 0) {
    return !__builtin_sub_overflow(time, FloorModulo(time, length), &result);
  }
  const int64_t days = TruncateDays(field, FloorDivide(time, kDay));
  return !__builtin_mul_overflow(days, kDay, &result);
}

Values ExtractField(const sql::Expression& call, Arguments arguments, size_t rows) {
  return Strict(Type::kDouble, arguments, rows, [&](size_t row, Result& result) {
    result.Double(Extract(call.field, arguments[0].Integer(row)));
  });
}

Values TruncateTime(const sql::Expression& call, Arguments arguments, size_t rows) {
  return Strict(Type::kTimestamp, arguments, rows, [&](size_t row, Result& result) {
    int64_t time = 0;
    if (!Truncate(call.field, arguments[0].Integer(row), time)) return result.Fail(kTimeRange);
    result.Integer(time);
  });
}

Values AddMicroseconds(const sql::Expression&, Arguments arguments, size_t rows) {
  return Strict(Type::kTimestamp, arguments, rows, [&](size_t row, Result& result) {
    int64_t sum = 0;
    const bool overflow =
        __builtin_add_overflow(arguments[0].Integer(row), arguments[1].Integer(row), &sum);
    overflow || sum < kFirstTimestamp ? result.Fail(kTimeRange) : result.Integer(sum);
  });
}

constexpr KernelEntry kEntries[] = {
    {sql::Function::kAddMicroseconds, "+", Signature::kAddTime, 2, 2, AddMicroseconds},
    {sql::Function::kExtract, "extract", Signature::kTimeToDouble, 1, 1, ExtractField},
    {sql::Function::kDateTrunc, "date_trunc", Signature::kTimeToTime, 1, 1, TruncateTime},
};

}  // namespace

absl::Span<const KernelEntry> TimeKernels() { return kEntries; }

}  // namespace streamml::operators::internal
