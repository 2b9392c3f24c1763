// extract, date_trunc and timestamp + interval against what PostgreSQL answers in UTC.
#include <gtest/gtest.h>

#include <limits>

#include "tests/worker/operators/expressions.h"

namespace streamml::operators {
namespace {

using data::Type;
using sql::TimeField;

std::string Extract(TimeField field, Expression time) {
  Expression call = Call(Function::kExtract, Type::kDouble, {std::move(time)});
  call.field = field;
  return ValueOf(call);
}

std::string Trunc(TimeField field, Expression time) {
  Expression call = Call(Function::kDateTrunc, Type::kTimestamp, {std::move(time)});
  call.field = field;
  return ValueOf(call);
}

TEST(Evaluate, ExtractsEveryFieldOfATimestamp) {
  const Expression time = Time("2026-03-01 13:45:30.678901");  // a Sunday
  EXPECT_EQ(Extract(TimeField::kMicroseconds, time), "30678901");
  EXPECT_EQ(Extract(TimeField::kMilliseconds, time), "30678.901");
  EXPECT_EQ(Extract(TimeField::kSecond, time), "30.678901");
  EXPECT_EQ(Extract(TimeField::kMinute, time), "45");
  EXPECT_EQ(Extract(TimeField::kHour, time), "13");
  EXPECT_EQ(Extract(TimeField::kDay, time), "1");
  EXPECT_EQ(Extract(TimeField::kDayOfWeek, time), "0");
  EXPECT_EQ(Extract(TimeField::kIsoDayOfWeek, time), "7");
  EXPECT_EQ(Extract(TimeField::kDayOfYear, time), "60");
  EXPECT_EQ(Extract(TimeField::kWeek, time), "9");
  EXPECT_EQ(Extract(TimeField::kMonth, time), "3");
  EXPECT_EQ(Extract(TimeField::kQuarter, time), "1");
  EXPECT_EQ(Extract(TimeField::kYear, time), "2026");
  EXPECT_EQ(Extract(TimeField::kEpoch, time), "1772372730.678901");
  EXPECT_EQ(Extract(TimeField::kYear, Null(Type::kTimestamp)), "NULL");
}

TEST(Evaluate, ExtractsFieldsBefore1970) {
  const Expression time = Time("1969-12-31 23:59:59.25");  // a Wednesday
  EXPECT_EQ(Extract(TimeField::kSecond, time), "59.25");
  EXPECT_EQ(Extract(TimeField::kHour, time), "23");
  EXPECT_EQ(Extract(TimeField::kDay, time), "31");
  EXPECT_EQ(Extract(TimeField::kDayOfWeek, time), "3");
  EXPECT_EQ(Extract(TimeField::kDayOfYear, time), "365");
  EXPECT_EQ(Extract(TimeField::kEpoch, time), "-0.75");
  EXPECT_EQ(Extract(TimeField::kDayOfYear, Time("1600-12-31")), "366");
}

TEST(Evaluate, WeeksFollowIso8601AtTheTurnOfTheYear) {
  EXPECT_EQ(Extract(TimeField::kWeek, Time("2005-01-01")), "53");
  EXPECT_EQ(Extract(TimeField::kWeek, Time("2006-01-01")), "52");
  EXPECT_EQ(Extract(TimeField::kWeek, Time("2012-12-31")), "1");
  EXPECT_EQ(Extract(TimeField::kWeek, Time("2020-12-31")), "53");
  EXPECT_EQ(Extract(TimeField::kWeek, Time("2021-01-03")), "53");
  EXPECT_EQ(Extract(TimeField::kWeek, Time("2021-01-04")), "1");
  EXPECT_EQ(Extract(TimeField::kWeek, Time("1969-12-29")), "1");
}

TEST(Evaluate, ThereIsNoYearZero) {
  constexpr int64_t kDay = 86'400'000'000;
  const int64_t first_ad = -719'162 * kDay;  // 0001-01-01
  EXPECT_EQ(Extract(TimeField::kYear, Time(first_ad)), "1");
  EXPECT_EQ(Extract(TimeField::kYear, Time(first_ad - 1)), "-1");
  EXPECT_EQ(Extract(TimeField::kDayOfYear, Time(first_ad - 1)), "366");
  EXPECT_EQ(Trunc(TimeField::kYear, Time(first_ad - 1)), "0001-01-01 00:00:00 BC");
}

TEST(Evaluate, CutsTimeAtEveryField) {
  const Expression time = Time("2026-08-20 13:45:30.678901");  // a Thursday
  EXPECT_EQ(Trunc(TimeField::kMicroseconds, time), "2026-08-20 13:45:30.678901");
  EXPECT_EQ(Trunc(TimeField::kMilliseconds, time), "2026-08-20 13:45:30.678");
  EXPECT_EQ(Trunc(TimeField::kSecond, time), "2026-08-20 13:45:30");
  EXPECT_EQ(Trunc(TimeField::kMinute, time), "2026-08-20 13:45:00");
  EXPECT_EQ(Trunc(TimeField::kHour, time), "2026-08-20 13:00:00");
  EXPECT_EQ(Trunc(TimeField::kDay, time), "2026-08-20 00:00:00");
  EXPECT_EQ(Trunc(TimeField::kWeek, time), "2026-08-17 00:00:00");
  EXPECT_EQ(Trunc(TimeField::kMonth, time), "2026-08-01 00:00:00");
  EXPECT_EQ(Trunc(TimeField::kQuarter, time), "2026-07-01 00:00:00");
  EXPECT_EQ(Trunc(TimeField::kYear, time), "2026-01-01 00:00:00");
  EXPECT_EQ(Trunc(TimeField::kHour, Time("1969-12-31 23:59:59.5")), "1969-12-31 23:00:00");
  EXPECT_EQ(Trunc(TimeField::kWeek, Time("1970-01-01")), "1969-12-29 00:00:00");
  EXPECT_EQ(Trunc(TimeField::kDayOfWeek, time),
            "refused: date_trunc: the field is not one at which time can be cut");
}

TEST(Evaluate, TimesAtTheEndsOfTheirRangeFailInsteadOfWrapping) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(Trunc(TimeField::kHour, Time(kLeast)), "error: timestamp out of range");
  EXPECT_EQ(Trunc(TimeField::kYear, Time(kLeast)), "error: timestamp out of range");
  EXPECT_EQ(Extract(TimeField::kYear, Time(kMost)), "294247");
  const auto add = [](int64_t time, int64_t microseconds) {
    return ValueOf(
        Call(Function::kAddMicroseconds, Type::kTimestamp, {Time(time), Bigint(microseconds)}));
  };
  EXPECT_EQ(add(0, 3'600'000'000), "1970-01-01 01:00:00");
  EXPECT_EQ(add(0, -1), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(add(kMost, 1), "error: timestamp out of range");
  EXPECT_EQ(add(kLeast, -1), "error: timestamp out of range");
  EXPECT_EQ(add(0, -210'866'803'200'000'000), "4714-11-24 00:00:00 BC");
  EXPECT_EQ(add(0, -210'866'803'200'000'001), "error: timestamp out of range");
}

}  // namespace
}  // namespace streamml::operators
