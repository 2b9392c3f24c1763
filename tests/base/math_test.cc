// Errors of base/math.h are measured against the C library's long double (64-bit significand).
#include "base/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "gtest/gtest.h"

namespace streamml {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int kSamples = 200'000;

// Distance of two values in units of the last place of the double nearest to the truth.
double ErrorInUlps(double value, long double truth) {
  const double nearest = std::abs(static_cast<double>(truth));
  const double ulp = nearest < std::numeric_limits<double>::min()
                         ? std::numeric_limits<double>::denorm_min()
                         : std::ldexp(1.0, std::ilogb(nearest) - 52);
  return static_cast<double>(std::abs(static_cast<long double>(value) - truth) / ulp);
}

struct Worst {
  double error = 0;
  double at = 0;
  void Take(double x, double value, long double truth) {
    const double here = ErrorInUlps(value, truth);
    if (here > error || here != here) error = here, at = x;
  }
};

uint64_t Bits(double x) { return std::bit_cast<uint64_t>(x); }

TEST(ExpTest, ErrorStaysBelowSixTenthsOfAnUlp) {
  std::mt19937_64 random(1);
  Worst normal, denormal, small;
  for (int i = 0; i < kSamples; ++i) {
    const double unit = std::ldexp(static_cast<double>(random() >> 11), -53);
    const double x = -708 + unit * 1417.7;
    normal.Take(x, Exp(x), std::exp(static_cast<long double>(x)));
    const double y = -745 + unit * 37;
    denormal.Take(y, Exp(y), std::exp(static_cast<long double>(y)));
    const double z = (unit - 0.5) * std::ldexp(1.0, -static_cast<int>(random() % 60));
    small.Take(z, Exp(z), std::exp(static_cast<long double>(z)));
  }
  RecordProperty("worst_ulps", std::to_string(normal.error));
  EXPECT_LT(normal.error, 0.6) << "at " << normal.at;
  EXPECT_LT(denormal.error, 0.8) << "at " << denormal.at;
  EXPECT_LT(small.error, 0.6) << "at " << small.at;
}

TEST(LogTest, ErrorStaysBelowSixTenthsOfAnUlp) {
  std::mt19937_64 random(2);
  Worst any, near_one, denormal;
  for (int i = 0; i < kSamples; ++i) {
    const double x = std::bit_cast<double>(random() % Bits(kInfinity));
    any.Take(x, Log(x), std::log(static_cast<long double>(x)));
    const double unit = std::ldexp(static_cast<double>(random() >> 11), -53);
    const double y = 1 + (unit - 0.5) * std::ldexp(1.0, -static_cast<int>(random() % 52));
    if (y != 1) near_one.Take(y, Log(y), std::log(static_cast<long double>(y)));
    const double z = std::bit_cast<double>(1 + random() % ((uint64_t{1} << 52) - 1));
    denormal.Take(z, Log(z), std::log(static_cast<long double>(z)));
  }
  EXPECT_LT(any.error, 0.6) << "at " << any.at;
  EXPECT_LT(near_one.error, 0.6) << "at " << near_one.at;
  EXPECT_LT(denormal.error, 0.6) << "at " << denormal.at;
}

TEST(LogTest, IsExactWhereTheTableChangesItsEntry) {
  Worst worst;
  for (int i = 0; i <= 256; ++i) {
    const double edge = 0.5 + i / 128.0 * 0.75;
    for (const double x : {std::nextafter(edge, 0.0), edge, std::nextafter(edge, 2.0)}) {
      if (x != 1) worst.Take(x, Log(x), std::log(static_cast<long double>(x)));
    }
  }
  EXPECT_LT(worst.error, 0.6) << "at " << worst.at;
}

TEST(Log1pTest, ErrorStaysBelowSixTenthsOfAnUlp) {
  std::mt19937_64 random(3);
  Worst worst;
  for (int i = 0; i < kSamples; ++i) {
    const double x = std::bit_cast<double>(random() % Bits(kInfinity));
    worst.Take(x, Log1p(x), std::log1p(static_cast<long double>(x)));
    const double unit = std::ldexp(static_cast<double>(random() >> 11), -53);
    const double y = (unit - 0.5) * std::ldexp(1.0, 1 - static_cast<int>(random() % 70));
    worst.Take(y, Log1p(y), std::log1p(static_cast<long double>(y)));
    const double z = unit * 1000;
    worst.Take(z, Log1p(z), std::log1p(static_cast<long double>(z)));
  }
  EXPECT_LT(worst.error, 0.6) << "at " << worst.at;
}

TEST(SigmoidTest, ErrorStaysBelowSixTenthsOfAnUlp) {
  std::mt19937_64 random(4);
  Worst worst;
  for (int i = 0; i < kSamples; ++i) {
    const double unit = std::ldexp(static_cast<double>(random() >> 11), -53);
    const double z = (unit - 0.5) * (random() % 2 == 0 ? 8 : 1410);
    worst.Take(z, Sigmoid(z), 1 / (1 + std::exp(-static_cast<long double>(z))));
  }
  EXPECT_LT(worst.error, 0.6) << "at " << worst.at;
}

TEST(MathTest, SpecialValuesAreAsPromised) {
  EXPECT_EQ(Exp(0.0), 1.0);
  EXPECT_EQ(Exp(-0.0), 1.0);
  EXPECT_EQ(Exp(kInfinity), kInfinity);
  EXPECT_EQ(Bits(Exp(-kInfinity)), 0u);
  EXPECT_LT(Exp(709.782712893384), kInfinity);
  EXPECT_EQ(Exp(709.7827128933841), kInfinity);
  EXPECT_EQ(Exp(-745.13), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(Exp(-745.1332191019413), 0.0);

  EXPECT_EQ(Bits(Log(1.0)), 0u);
  EXPECT_EQ(Log(0.0), -kInfinity);
  EXPECT_EQ(Log(-0.0), -kInfinity);
  EXPECT_TRUE(std::isnan(Log(-1.0)));
  EXPECT_EQ(Log(kInfinity), kInfinity);

  EXPECT_EQ(Bits(Log1p(-0.0)), Bits(-0.0));
  EXPECT_EQ(Log1p(-1.0), -kInfinity);
  EXPECT_TRUE(std::isnan(Log1p(-1.0000000000000002)));
  EXPECT_EQ(Log1p(kInfinity), kInfinity);
  EXPECT_EQ(Log1p(5e-324), 5e-324);

  EXPECT_EQ(Sigmoid(0.0), 0.5);
  EXPECT_EQ(Sigmoid(kInfinity), 1.0);
  EXPECT_EQ(Sigmoid(-kInfinity), 0.0);
  EXPECT_EQ(Sigmoid(800), 1.0);
  EXPECT_EQ(Sigmoid(-800), 0.0);
}

TEST(MathTest, NanIsAlwaysTheSameNan) {
  const double payload = std::bit_cast<double>(uint64_t{0xFFF8000000000123});
  for (double (*function)(double) : {Exp, Log, Log1p, Sigmoid}) {
    EXPECT_EQ(Bits(function(payload)), Bits(kNaN));
  }
  EXPECT_EQ(Bits(Log(-2.0)), Bits(kNaN));
  EXPECT_EQ(Bits(LogLoss(payload, true)), Bits(kNaN));
}

// Frozen bits: a change of any of these is a change of the fingerprint.
TEST(MathTest, BitsAreTheSameOnEveryMachine) {
  EXPECT_EQ(Bits(Exp(1.0)), 0x4005bf0a8b145769u);
  EXPECT_EQ(Bits(Log(10.0)), 0x40026bb1bbb55516u);
  EXPECT_EQ(Bits(Log1p(1e-5)), Bits(9.999950000333332e-06));
  EXPECT_EQ(Bits(Sigmoid(-1.0)), Bits(0.2689414213699951));
}

TEST(LogLossTest, IsTheNegativeLogarithmOfTheClippedProbability) {
  EXPECT_DOUBLE_EQ(LogLoss(0.25, true), 1.3862943611198906);
  EXPECT_DOUBLE_EQ(LogLoss(0.25, false), 0.2876820724517809);
  EXPECT_DOUBLE_EQ(LogLoss(0, true), 34.538776394910684);
  EXPECT_DOUBLE_EQ(LogLoss(1, false), 34.538776394910684);
  EXPECT_NEAR(LogLoss(1, true), 1e-15, 2e-16);
  EXPECT_NEAR(LogLoss(0, false), 1e-15, 2e-16);
}

}  // namespace
}  // namespace streamml
