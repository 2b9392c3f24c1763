#include "worker/sql/internal/interval.h"

#include <gtest/gtest.h>

#include <limits>

#include "worker/sql/analyze.h"

namespace streamml::sql::internal {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;

TEST(Interval, ReadsTheFormsOfPostgreSql) {
  const std::pair<const char*, int64_t> cases[] = {
      {"1 hour", kHour},
      {"90 minutes", kHour + kHour / 2},
      {"1 day 2 hours", 26 * kHour},
      {"5 s", 5 * kSecond},
      {" 2h ", 2 * kHour},
      {"1.5 hours", kHour + kHour / 2},
      {".5 s", kSecond / 2},
      // Halves of a microsecond as PostgreSQL 15 rounds them.
      {"0.0000005 s", 0},
      {"0.0000015 s", 1},
      {"0.0000006 s", 1},
      {"-0.0000015 s", -1},
      {"1.5 us", 1},
      {"00:00:00.0000005", 0},
      {"00:00:00.0000015", 2},
      {"00:00:00.0000025", 2},
      {"00:00:00.9999999", kSecond},
      {"01:30", kHour + kHour / 2},
      {"01:30:15.25", kHour + kHour / 2 + 15 * kSecond + 250'000},
      {"1 day 01:00", 25 * kHour},
      {"-1 day +1 hour", -23 * kHour},
      {"-01:30", -kHour - kHour / 2},
      {"3 hours ago", -3 * kHour},
      {"2 WEEKS", 14 * kDay},
      {"250 ms", 250'000},
      {"7 us", 7},
      {"0 s", 0},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = ParseInterval(text, 0);
    ASSERT_TRUE(parsed.ok()) << text << parsed.status();
    EXPECT_EQ(*parsed, expected) << text;
  }
}

TEST(Interval, RefusesWhatIsNotOne) {
  for (const char* text :
       {"", " ", "1", "hour", "1 fortnight", "1 hour ago ago", "ago", "1:2:3:4", "1.5:30", "01:60",
        "--1 s", "1 s x", "1e3 s", "1234567890123456789 us", "P1D", "é s"}) {
    const auto parsed = ParseInterval(text, 17);
    EXPECT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(ErrorOffset(parsed.status()), 17) << text;
  }
}

TEST(Interval, RefusesMonthsAndYearsByName) {
  for (const char* text : {"1 month", "2 years 1 day", "1 mon", "1 century"}) {
    EXPECT_NE(std::string(ParseInterval(text, 0).status().message()).find("no fixed length"),
              std::string::npos)
        << text;
  }
}

TEST(Interval, RefusesWhatDoesNotFitInto64Bits) {
  EXPECT_TRUE(ParseInterval("106751991 days", 0).ok());
  EXPECT_FALSE(ParseInterval("106751992 days", 0).ok());
  EXPECT_FALSE(ParseInterval("999999999999999999 weeks 999999999999999999 weeks", 0).ok());
}

TEST(Interval, FormattedReadsBack) {
  for (const int64_t value :
       {int64_t{0}, int64_t{1}, int64_t{-1}, 90 * kSecond, 26 * kHour + 1, -kHour - 500'000,
        std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    const std::string text = FormatInterval(value);
    const auto parsed = ParseInterval(text, 0);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, value) << text;
  }
  EXPECT_EQ(FormatInterval(26 * kHour), "1 day 2 hours");
  EXPECT_EQ(FormatInterval(kSecond / 2), "0.500000 seconds");
}

}  // namespace
}  // namespace streamml::sql::internal
