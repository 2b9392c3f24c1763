#include "base/math_pow.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/internal/math_tables.h"

namespace streamml {

namespace {

using internal::kInverseStep;
using internal::kLn2High;
using internal::kLn2Low;
using internal::kLogs;
using internal::kPowers;
using internal::kStepHigh;
using internal::kStepLow;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// high + low, |low| <= ulp(high) / 2 where it was normalised.
struct Pair {
  double high;
  double low;
};

// a + b exactly (Knuth 1969, two-sum).
Pair AddExactly(double a, double b) {
  const double high = a + b;
  const double part = high - a;
  return {high, (a - (high - part)) + (b - part)};
}

// a * b exactly (Dekker 1971), for factors between 2^-400 and 2^400.
Pair MultiplyExactly(double a, double b) {
  constexpr double kSplitter = 0x1p27 + 1;
  const double a_shifted = a * kSplitter, b_shifted = b * kSplitter;
  const double a_high = a_shifted - (a_shifted - a), b_high = b_shifted - (b_shifted - b);
  const double a_low = a - a_high, b_low = b - b_high;
  const double product = a * b;
  return {product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low};
}

Pair Add(Pair a, Pair b) {
  Pair sum = AddExactly(a.high, b.high);
  sum.low += a.low + b.low;
  return AddExactly(sum.high, sum.low);
}

Pair Multiply(Pair a, Pair b) {
  Pair product = MultiplyExactly(a.high, b.high);
  product.low += a.high * b.low + a.low * b.high;
  return AddExactly(product.high, product.low);
}

double PowerOfTwo(int64_t exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52);
}

// ln(1 + r) for |r| < 2^-7. From r^4 on, 2^-21 r, plain doubles do; what is left out is below r^12
// / 12.
Pair LogOfOnePlus(Pair r) {
  const double x = r.high;
  const Pair square = Multiply(r, r);
  const Pair cube_third = Multiply(Multiply(square, r), {1.0 / 3, 0x1.5555555555555p-56});
  const double tail =
      square.high * square.high *
      (-1.0 / 4 +
       x * (1.0 / 5 + x * (-1.0 / 6 +
                           x * (1.0 / 7 + x * (-1.0 / 8 + x * (1.0 / 9 + x * (-1.0 / 10 +
                                                                              x * (1.0 / 11))))))));
  const Pair small = Add({-0.5 * square.high, -0.5 * square.low}, Add(cube_third, {tail, 0}));
  return Add(r, small);
}

// ln x for a positive, finite x. As Log in base/math.cc, but both parts are kept.
Pair LogInPair(double x) {
  int64_t shift = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    shift = 54;
  }
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  const int64_t k = static_cast<int64_t>(bits >> 52) - 1023;
  const uint64_t significand = bits & 0x000FFFFFFFFFFFFFULL;
  const double* entry = kLogs[significand >> 45];
  const double c = entry[0];
  const uint64_t one = 0x3FF0000000000000ULL;
  const double m = std::bit_cast<double>(one | significand);
  const double m_high = std::bit_cast<double>(one | (significand & ~0xFFFFFULL));
  const Pair r = AddExactly(m_high * c - 1, (m - m_high) * c);  // m c - 1, exactly
  const double scale = static_cast<double>(k - shift);
  // The high parts lie on a grid that makes their sum exact.
  const Pair table = AddExactly(scale * kLn2High + entry[1], scale * kLn2Low + entry[2]);
  return Add(table, LogOfOnePlus(r));
}

// value * 2^m with one rounding where the result is normal.
double Scale(double value, int64_t m) {
  // Two factors, because 2^1024 and 2^-1074 are not normal numbers.
  if (m > 1023) return value * PowerOfTwo(1023) * PowerOfTwo(m - 1023);
  if (m < -1022) return value * PowerOfTwo(-1000) * PowerOfTwo(m + 1000);
  return value * PowerOfTwo(m);
}

// e^(x.high + x.low) for |x.high| < 746, |x.low| <= ulp(x.high).
double ExpOfPair(Pair x) {
  const double rounder = 0x1.8p52;  // adding and taking it off rounds to an integer
  const double steps = (x.high * kInverseStep + rounder) - rounder;
  const int64_t number = static_cast<int64_t>(steps);
  const double* power = kPowers[number & 31];
  const double r = ((x.high - steps * kStepHigh) - steps * kStepLow) + x.low;
  // e^r - 1, Taylor, |r| < 2^-6.5; what is left out is below |r|^8 / 40320.
  const double p =
      r +
      r * r *
          (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720 + r / 5040)))));
  return Scale(power[0] + (power[1] + power[0] * p), number >> 5);
}

// x^y for positive finite x other than 1 and finite y other than 0.
double PositivePow(double x, double y) {
  const Pair log = LogInPair(x);
  // Beyond these the result is an infinity, 0 or (next to) 1 for every x.
  const double size = std::fabs(y);
  if (size > 0x1p65) return (y > 0) == (log.high > 0) ? kInfinity : 0;
  if (size < 0x1p-65) return 1;
  const Pair exponent = Multiply(log, {y, 0});
  if (exponent.high > 709.8) return kInfinity;
  if (exponent.high < -745.2) return 0;
  return ExpOfPair(exponent);
}

// x^y where x is 0 or infinite; `odd`: y is an odd integer.
double EdgePow(double x, double y, bool odd) {
  const bool grows = std::isinf(x) == (y > 0);
  const double size = grows ? kInfinity : 0;
  return odd && std::signbit(x) ? -size : size;
}

}  // namespace

double Pow(double x, double y) {
  if (y == 0 || x == 1) return 1;
  if (x != x || y != y) return kNaN;
  if (std::isinf(y)) {
    const double size = std::fabs(x);
    if (size == 1) return 1;
    return (size > 1) == (y > 0) ? kInfinity : 0;
  }
  const bool whole = std::floor(y) == y;
  const bool odd = whole && std::fabs(y) < 0x1p53 && std::fmod(y, 2) != 0;
  if (x == 0 || std::isinf(x)) return EdgePow(x, y, odd);
  if (x > 0) return PositivePow(x, y);
  if (!whole) return kNaN;
  const double size = x == -1 ? 1 : PositivePow(-x, y);
  return odd ? -size : size;
}

double Log10(double x) {
  if (x != x || x < 0) return kNaN;
  if (x == 0) return -kInfinity;
  if (x == kInfinity) return x;
  const Pair inverse_ln10 = {0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57};
  return Multiply(LogInPair(x), inverse_ln10).high;
}

}  // namespace streamml
