#include "worker/cli/text.h"

#include "gtest/gtest.h"
#include "worker/data/batch.h"

namespace streamml::cli {
namespace {

TEST(TextTest, NumbersGetCommasInGroupsOfThree) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(1234567), "1,234,567");
  EXPECT_EQ(WithCommas(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(TextTest, BytesRoundIntoTheNextUnitInsteadOfReaching1000) {
  EXPECT_EQ(Bytes(999), "999 B");
  EXPECT_EQ(Bytes(1000), "1.0 kB");
  EXPECT_EQ(Bytes(999'949), "999.9 kB");
  EXPECT_EQ(Bytes(999'950), "1.0 MB");
  EXPECT_EQ(Bytes(7'500'000'000'000'000), "7500.0 TB");
}

TEST(TextTest, SecondsBecomeMinutesAndHours) {
  EXPECT_EQ(Seconds(0.04), "0.0 s");
  EXPECT_EQ(Seconds(59.9), "59.9 s");
  EXPECT_EQ(Seconds(65), "1m 05s");
  EXPECT_EQ(Seconds(7384), "2h 03m");
}

TEST(TextTest, AMetricWithoutValueIsADash) {
  EXPECT_EQ(MetricText(std::nullopt), "-");
  EXPECT_EQ(MetricText(0.8872), "0.8872");
  EXPECT_EQ(MetricText(1.0 / 3), "0.333333");
}

TEST(TextTest, WatermarksAtTheEndsAreWords) {
  EXPECT_EQ(WatermarkText(data::kMinTime), "-");
  EXPECT_EQ(WatermarkText(data::kMaxTime), "end");
  EXPECT_EQ(WatermarkText(1'500'000), "1970-01-01 00:00:01.5");
}

}  // namespace
}  // namespace streamml::cli
