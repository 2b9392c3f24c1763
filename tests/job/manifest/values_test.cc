#include "job/manifest/values.h"

#include "gmock/gmock.h"

namespace streamml::manifest {
namespace {

TEST(Values, DurationsAddUpTheirUnits) {
  EXPECT_EQ(*ParseDuration("0s"), 0);
  EXPECT_EQ(*ParseDuration("7us"), 7);
  EXPECT_EQ(*ParseDuration("500ms"), 500'000);
  EXPECT_EQ(*ParseDuration("5s"), 5'000'000);
  EXPECT_EQ(*ParseDuration("1h30m"), 5'400'000'000);
  EXPECT_EQ(*ParseDuration("1d2h3m4s5ms6us"), 93'784'005'006);
  EXPECT_EQ(*ParseDuration("36500d"), 36'500 * 86'400'000'000);
}

TEST(Values, WhatIsNoDurationIsRefused) {
  for (const char* text : {"", "5", "s", "-5s", "5 s", "1.5h", "30m1h", "1h1h", "3 days", "5sec",
                           "1h30", "5S", "36501d", "36500d1us", "99999999999999999999s", "1ms2m"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(Values, FormattedDurationsParseBack) {
  for (int64_t value : {0L, 1L, 999L, 1000L, 90'000'000L, 86'400'000'001L, 5'400'000'000L}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(value)), value);
  }
  EXPECT_EQ(FormatDuration(90'000'000), "1m30s");
  EXPECT_EQ(FormatDuration(0), "0s");
}

TEST(Values, PercentagesAreShares) {
  EXPECT_EQ(*ParsePercent("0%"), 0.0);
  EXPECT_EQ(*ParsePercent("1%"), 0.01);
  EXPECT_EQ(*ParsePercent("0.5%"), 0.005);
  EXPECT_EQ(*ParsePercent("100%"), 1.0);
  for (const char* text :
       {"", "%", "1", "1 %", "101%", "100.1%", "1.%", ".5%", "-1%", "1e1%", "0.1234567%", "1%%"}) {
    EXPECT_FALSE(ParsePercent(text).ok()) << text;
  }
}

TEST(Values, IntegersAreDecimalDigitsAndFitInto64Bits) {
  EXPECT_EQ(*ParseInteger("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(*ParseInteger("9223372036854775807"), INT64_MAX);
  for (const char* text : {"", "-", "+1", "1.0", "0x10", "1_000", "9223372036854775808", " 1"}) {
    EXPECT_FALSE(ParseInteger(text).ok()) << text;
  }
}

}  // namespace
}  // namespace streamml::manifest
