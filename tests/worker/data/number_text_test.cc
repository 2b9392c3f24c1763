#include "worker/data/number_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace streamml::data {
namespace {

std::string Text(double value) {
  std::string out;
  AppendDoubleText(value, out);
  return out;
}

TEST(NumberTextTest, DoublesAreLaidOutAsPostgresDoes) {
  // The layout of float8out since PostgreSQL 12: fixed for exponents -4 to 14.
  EXPECT_EQ(Text(0), "0");
  EXPECT_EQ(Text(-0.0), "-0");
  EXPECT_EQ(Text(1), "1");
  EXPECT_EQ(Text(100000), "100000");
  EXPECT_EQ(Text(0.1), "0.1");
  EXPECT_EQ(Text(0.0001), "0.0001");
  EXPECT_EQ(Text(0.00001), "1e-05");
  EXPECT_EQ(Text(123456789012345), "123456789012345");
  EXPECT_EQ(Text(1e15), "1e+15");
  EXPECT_EQ(Text(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(Text(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
  EXPECT_EQ(Text(5e-324), "5e-324");
  EXPECT_EQ(Text(-std::numeric_limits<double>::infinity()), "-Infinity");
  EXPECT_EQ(Text(std::nan("")), "NaN");
}

TEST(NumberTextTest, EveryDoubleReadsBackBitForBit) {
  std::mt19937_64 random(20260301);
  for (int round = 0; round < 20000; ++round) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const auto read = ParseDouble(Text(value));
    ASSERT_TRUE(read.has_value()) << Text(value);
    ASSERT_EQ(std::bit_cast<uint64_t>(*read), std::bit_cast<uint64_t>(value)) << Text(value);
  }
}

TEST(NumberTextTest, DoublesMustBeTheWholeText) {
  EXPECT_EQ(ParseDouble("+1.5"), 1.5);
  EXPECT_EQ(ParseDouble("-1e3"), -1000);
  EXPECT_EQ(ParseDouble("-infinity"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(*ParseDouble("nan")));
  for (const char* text : {"", " 1", "1 ", "+", "+-1", "--1", "1,5", "0x10", "1e", "1e400",
                           "nan(7)", "-nan", "inf1", "1.5x"}) {
    EXPECT_EQ(ParseDouble(text), std::nullopt) << "'" << text << "'";
  }
}

TEST(NumberTextTest, BigintsMustBeTheWholeTextAndInRange) {
  EXPECT_EQ(ParseBigint("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(ParseBigint("+9223372036854775807"), std::numeric_limits<int64_t>::max());
  for (const char* text : {"", "9223372036854775808", "1.0", "1e3", " 1", "1 ", "+-1", "0x1"}) {
    EXPECT_EQ(ParseBigint(text), std::nullopt) << "'" << text << "'";
  }
  std::string out;
  AppendBigintText(std::numeric_limits<int64_t>::min(), out);
  EXPECT_EQ(out, "-9223372036854775808");
}

TEST(NumberTextTest, WholeNumbersMayBeWrittenWithPointOrExponent) {
  EXPECT_EQ(ParseWholeNumber("1.0"), 1);
  EXPECT_EQ(ParseWholeNumber("1e3"), 1000);
  EXPECT_EQ(ParseWholeNumber("-12.50E+1"), -125);
  EXPECT_EQ(ParseWholeNumber("1200e-2"), 12);
  EXPECT_EQ(ParseWholeNumber("+5."), 5);
  EXPECT_EQ(ParseWholeNumber("0.00001e5"), 1);
  EXPECT_EQ(ParseWholeNumber("000.0"), 0);
  EXPECT_EQ(ParseWholeNumber("-0.0"), 0);
  EXPECT_EQ(ParseWholeNumber("0e99999999999999999999"), 0);
  EXPECT_EQ(ParseWholeNumber("1" + std::string(100, '0') + "e-100"), 1);
}

TEST(NumberTextTest, WholeNumbersAreExactBeyondWhatADoubleHolds) {
  EXPECT_EQ(ParseWholeNumber("9007199254740993.0"), 9007199254740993);  // 2^53 + 1
  EXPECT_EQ(ParseWholeNumber("-9007199254740993e0"), -9007199254740993);
  EXPECT_EQ(ParseWholeNumber("0.9007199254740993e16"), 9007199254740993);
  EXPECT_EQ(ParseWholeNumber("9223372036854775807.0"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ParseWholeNumber("-9223372036854775808.000"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(ParseWholeNumber("9223372036854775808.0"), std::nullopt);
  EXPECT_EQ(ParseWholeNumber("-9223372036854775809.0"), std::nullopt);
  EXPECT_EQ(ParseWholeNumber("1e18"), 1000000000000000000);
  EXPECT_EQ(ParseWholeNumber("1e19"), std::nullopt);
}

TEST(NumberTextTest, WhatIsNoWholeNumberIsRefused) {
  for (const char* text : {"1.5",   "9007199254740992.5",
                           "1e-1",  "0.1e0",
                           "1e400", "1e-99999999999999999999",
                           "",      ".",
                           "-",     "e1",
                           "1e",    "1e+",
                           "1e+-1", "1.0.0",
                           "1.0 ",  " 1.0",
                           "1_0.0", "0x1.0",
                           "--1.0", "+-1.0",
                           "NaN",   "inf"}) {
    EXPECT_EQ(ParseWholeNumber(text), std::nullopt) << "'" << text << "'";
  }
}

}  // namespace
}  // namespace streamml::data
