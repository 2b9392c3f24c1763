#include "worker/data/time_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "worker/data/civil_time.h"

namespace streamml::data {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMarch = 1772323200000000;  // 2026-03-01 00:00:00, date -u -d 2026-03-01 +%s

int64_t Parsed(std::string_view text) {
  const auto time = ParseTimestamp(text);
  EXPECT_TRUE(time.ok()) << time.status();
  return time.value_or(-1);
}

std::string Error(std::string_view text) {
  const auto time = ParseTimestamp(text);
  return time.ok() ? "accepted" : std::string(time.status().message());
}

std::string Text(int64_t time) {
  std::string out;
  AppendTimestampText(time, out);
  return out;
}

std::string Iso(int64_t time) {
  std::string out;
  AppendTimestampIso(time, out);
  return out;
}

TEST(TimeTextTest, IsoAndPostgresFormsAreTheSameInstant) {
  for (const char* text :
       {"2026-03-01", "2026-03-01T00:00", "2026-03-01 00:00:00", "2026-03-01T00:00:00.000Z",
        "2026-03-01t00:00:00z", "2026-03-01T02:00:00+02:00", "2026-03-01T02:00:00+02",
        "2026-02-28T18:30:00-0530", "2026-02-28T24:00:00", "2026-02-28 23:59:60"}) {
    EXPECT_EQ(Parsed(text), kMarch) << text;
  }
  EXPECT_EQ(Parsed("2026-03-01T00:00:00.101Z"), kMarch + 101000);
  EXPECT_EQ(Parsed("1969-12-31 23:59:59.999999"), -1);
  EXPECT_EQ(Parsed("2000-02-29"), 951782400000000);
}

TEST(TimeTextTest, DigitsBeyondMicrosecondsAreRoundedHalfToEven) {
  EXPECT_EQ(Parsed("2026-03-01 00:00:00.0000005"), kMarch);
  EXPECT_EQ(Parsed("2026-03-01 00:00:00.00000050001"), kMarch + 1);
  EXPECT_EQ(Parsed("2026-03-01 00:00:00.0000015"), kMarch + 2);
  EXPECT_EQ(Parsed("2026-03-01 00:00:00.9999999"), kMarch + 1000000);
}

TEST(TimeTextTest, WrongTextsAreRefusedWithTheReason) {
  EXPECT_EQ(Error("2026-13-01"), "timestamp '2026-13-01': month 13, allowed 1 to 12");
  EXPECT_THAT(Error("2026-02-29"), HasSubstr("day 29, allowed 1 to 28"));
  EXPECT_THAT(Error("1900-02-29"), HasSubstr("day 29, allowed 1 to 28"));
  EXPECT_THAT(Error("0000-01-01"), HasSubstr("year 0, allowed 1 to 9999"));
  EXPECT_THAT(Error("2026-03-01 25:00"), HasSubstr("hour 25"));
  EXPECT_THAT(Error("2026-03-01 24:00:01"), HasSubstr("only as 24:00:00"));
  EXPECT_THAT(Error("2026-03-01 00:60"), HasSubstr("minute 60"));
  EXPECT_THAT(Error("2026-03-01T00:00:00+16:00"), HasSubstr("zone hour 16"));
  EXPECT_THAT(Error("9999-12-31T23:59:59-01:00"), HasSubstr("years 0001 to 9999"));
  for (const char* text : {"", "2026", "2026-3-1", " 2026-03-01", "2026-03-01 ", "2026-03-01Z",
                           "2026-03-01T", "2026-03-01T00", "2026-03-01 00:00:00.",
                           "2026-03-01 00:00:00 UTC", "2026-03-01T00:00:00+02:", "20260301",
                           "2026-03-01T00:00:00+02:0", "2026/03/01", "now", "12026-03-01"}) {
    EXPECT_THAT(Error(text), HasSubstr("timestamp '")) << text;
  }
}

TEST(TimeTextTest, NumbersOfUnitsAreExact) {
  EXPECT_EQ(*ParseEpoch("1772323200", TimeUnit::kSeconds), kMarch);
  EXPECT_EQ(*ParseEpoch("1772323200.101", TimeUnit::kSeconds), kMarch + 101000);
  EXPECT_EQ(*ParseEpoch("1.772323200101E9", TimeUnit::kSeconds), kMarch + 101000);
  EXPECT_EQ(*ParseEpoch("1772323200101", TimeUnit::kMilliseconds), kMarch + 101000);
  EXPECT_EQ(*ParseEpoch("17723232e2", TimeUnit::kSeconds), kMarch);
  EXPECT_EQ(*ParseEpoch("-1", TimeUnit::kMicroseconds), -1);
  EXPECT_EQ(*ParseEpoch("1500", TimeUnit::kNanoseconds), 2);
  EXPECT_EQ(*ParseEpoch("2500", TimeUnit::kNanoseconds), 2);
  EXPECT_EQ(*ParseEpoch("499", TimeUnit::kNanoseconds), 0);
  EXPECT_EQ(*ParseEpoch("501", TimeUnit::kNanoseconds), 1);
  EXPECT_EQ(*ParseEpoch("0", TimeUnit::kSeconds), 0);
  EXPECT_EQ(*ParseEpoch("0e99999999999999999999", TimeUnit::kSeconds), 0);
  EXPECT_EQ(*ParseEpoch("1e-99999999999999999999", TimeUnit::kSeconds), 0);
  EXPECT_EQ(*ParseEpoch("253402300799.999999", TimeUnit::kSeconds), 253402300799999999);
  for (const char* text : {"253402300800", "1e30", "1e99999999999999999999", "", "-", "1.", ".5",
                           "1e", "1e+-2", "0x10", "1 ", "+1", "nan"}) {
    EXPECT_FALSE(ParseEpoch(text, TimeUnit::kSeconds).ok()) << text;
  }
}

TEST(TimeTextTest, TimestampsAreWrittenAsPostgresAndIsoDo) {
  EXPECT_EQ(Text(kMarch), "2026-03-01 00:00:00");
  EXPECT_EQ(Text(kMarch + 100000), "2026-03-01 00:00:00.1");
  EXPECT_EQ(Text(-1), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(Text(-62135596800000000 - 1), "0001-12-31 23:59:59.999999 BC");
  EXPECT_EQ(Iso(kMarch + 101000), "2026-03-01T00:00:00.101Z");
  EXPECT_EQ(Iso(253402300800000000), "+10000-01-01T00:00:00Z");
  EXPECT_EQ(Iso(std::numeric_limits<int64_t>::max()), "+294247-01-10T04:00:54.775807Z");
  EXPECT_EQ(Iso(std::numeric_limits<int64_t>::min()), "-290308-12-21T19:59:05.224192Z");
}

TEST(TimeTextTest, EveryTimestampInRangeReadsBack) {
  std::mt19937_64 random(7);
  std::uniform_int_distribution<int64_t> times(-62135596800000000, 253402300799999999);
  for (int round = 0; round < 20000; ++round) {
    const int64_t time = times(random);
    ASSERT_EQ(Parsed(Text(time)), time) << Text(time);
    ASSERT_EQ(Parsed(Iso(time)), time) << Iso(time);
  }
}

TEST(CivilTimeTest, EveryDayOfFourCenturiesFollowsTheOneBefore) {
  int64_t days = DaysFromCivil(1899, 12, 31);
  for (int64_t year = 1900; year < 2300; ++year) {
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= DaysInMonth(year, month); ++day) {
        ASSERT_EQ(DaysFromCivil(year, month, day), ++days);
        const CivilTime civil = ToCivil(days * 86400000000 + 3723000004);
        ASSERT_EQ(civil, (CivilTime{year, month, day, 1, 2, 3, 4}));
      }
    }
  }
}

}  // namespace
}  // namespace streamml::data
