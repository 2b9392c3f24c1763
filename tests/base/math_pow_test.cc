// Pow and Log10 against the C library's 80-bit functions, whose own error is far below what is
// measured.
#include "base/math_pow.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace streamml {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();

// Error of `computed` in units of the last place of the exact result.
double ErrorInUlps(double computed, long double exact) {
  const double rounded = static_cast<double>(exact);
  if (std::isinf(rounded) || std::isinf(computed)) return computed == rounded ? 0 : kInfinity;
  const double size = std::fabs(rounded);
  const double ulp = std::nextafter(size, kInfinity) - size;
  return static_cast<double>(std::fabs(computed - exact) / ulp);
}

TEST(Pow, IsWithinItsErrorBoundAllOverItsRange) {
  std::mt19937_64 random(20260301);
  std::uniform_real_distribution<double> exponents(-740, 709);
  std::uniform_real_distribution<double> scales(-300, 300);
  double worst = 0, worst_denormal = 0;
  for (int i = 0; i < 200'000; ++i) {
    const double x = std::exp2(scales(random)) * (i % 3 == 0 ? 1e-5 : 1);
    const double y = exponents(random) / std::log(x);
    const long double exact = powl(x, y);
    const bool normal = exact >= std::numeric_limits<double>::min();
    double& bound = normal ? worst : worst_denormal;
    bound = std::max(bound, ErrorInUlps(Pow(x, y), exact));
  }
  EXPECT_LT(worst, 0.6);
  EXPECT_LT(worst_denormal, 1.0);
}

TEST(Pow, IsWithinItsErrorBoundNextToOneWithHugeExponents) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> distances(-40, -2);
  std::uniform_real_distribution<double> exponents(-700, 700);
  double worst = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double x = 1 + (i % 2 == 0 ? 1 : -0.5) * std::exp2(distances(random));
    const double y = exponents(random) / std::log(x);
    worst = std::max(worst, ErrorInUlps(Pow(x, y), powl(x, y)));
  }
  EXPECT_LT(worst, 0.6);
}

TEST(Pow, GivesPowersThatAreDoublesExactly) {
  for (int base = 2; base <= 10; ++base) {
    double power = 1;
    for (int exponent = 1; power < 0x1p49; ++exponent) {
      power *= base;
      EXPECT_EQ(Pow(base, exponent), power) << base << "^" << exponent;
      EXPECT_EQ(Pow(-base, exponent), exponent % 2 == 0 ? power : -power);
      EXPECT_EQ(Pow(power, 1.0 / 2), std::sqrt(power));
    }
  }
  for (int exponent = -1074; exponent < 1024; ++exponent) {
    EXPECT_EQ(Pow(2, exponent), std::ldexp(1.0, exponent));
  }
}

TEST(Pow, FollowsTheSpecialCasesOfC) {
  for (const double x : {-kInfinity, -2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, kInfinity, kNaN}) {
    for (const double y :
         {-kInfinity, -3.0, -2.0, -0.5, -0.0, 0.0, 0.5, 2.0, 3.0, kInfinity, kNaN}) {
      const double expected = std::pow(x, y);
      const double computed = Pow(x, y);
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(computed)) << x << "^" << y;
      } else {
        EXPECT_EQ(computed, expected) << x << "^" << y;
        EXPECT_EQ(std::signbit(computed), std::signbit(expected)) << x << "^" << y;
      }
    }
  }
  EXPECT_EQ(Pow(2, 1024), kInfinity);
  EXPECT_EQ(Pow(2, -1080), 0);
  EXPECT_EQ(Pow(2, 1e300), kInfinity);
  EXPECT_EQ(Pow(0.5, 1e300), 0);
  EXPECT_EQ(Pow(2, 1e-300), 1);
}

TEST(Log10, IsWithinItsErrorBound) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> scales(-1070, 1023);
  std::uniform_real_distribution<double> near_one(0.99, 1.01);
  double worst = 0;
  for (int i = 0; i < 200'000; ++i) {
    const double x = i % 2 == 0 ? std::exp2(scales(random)) : near_one(random);
    if (x == 1) continue;
    worst = std::max(worst, ErrorInUlps(Log10(x), log10l(x)));
  }
  EXPECT_LT(worst, 0.6);
}

TEST(Log10, IsExactForPowersOfTen) {
  double power = 1;
  for (int exponent = 0; exponent <= 22; ++exponent, power *= 10) EXPECT_EQ(Log10(power), exponent);
}

TEST(Log10, SaysWhatHappensOutsideItsDomain) {
  EXPECT_EQ(Log10(0), -kInfinity);
  EXPECT_EQ(Log10(-0.0), -kInfinity);
  EXPECT_TRUE(std::isnan(Log10(-1)));
  EXPECT_TRUE(std::isnan(Log10(kNaN)));
  EXPECT_EQ(Log10(kInfinity), kInfinity);
}

}  // namespace
}  // namespace streamml
