#include "base/math.h"

#include <bit>
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

struct Sum {
  double high;
  double low;
};

// a + b = high + low exactly (Knuth 1969, two-sum).
Sum AddExactly(double a, double b) {
  const double high = a + b;
  const double part = high - a;
  return {high, (a - (high - part)) + (b - part)};
}

// 2^exponent for a normal result.
double PowerOfTwo(int64_t exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52);
}

// ln(1 + r) - r, Taylor, for |r| < 2^-7; what is left out is below |r|^10 / 10.
double LogTail(double r) {
  return r * r *
         (-1.0 / 2 +
          r * (1.0 / 3 +
               r * (-1.0 / 4 +
                    r * (1.0 / 5 +
                         r * (-1.0 / 6 + r * (1.0 / 7 + r * (-1.0 / 8 + r * (1.0 / 9))))))));
}

// ln((high + low) 2^-shift) for a normal, positive, finite `high` and |low| <= ulp(high).
//
// high = 2^k m with m in [1, 2); r = (m + low/2^k) c - 1 for a tabled c of 9 bits near 1/m, so that
// both partial products are exact and |r| < 2^-7; the result is k ln 2 + ln(1/c) + ln(1 + r). Next
// to 1 the first two are exactly 0 (k = 0, c = 1) or cancel exactly (k = -1, c = 1/2).
double LogOfSum(double high, double low, int64_t shift = 0) {
  const uint64_t bits = std::bit_cast<uint64_t>(high);
  const int64_t k = static_cast<int64_t>(bits >> 52) - 1023;
  const uint64_t significand = bits & 0x000FFFFFFFFFFFFFULL;
  const double* entry = kLogs[significand >> 45];
  const double c = entry[0];
  const uint64_t one = 0x3FF0000000000000ULL;
  const double m = std::bit_cast<double>(one | significand);
  const double m_high = std::bit_cast<double>(one | (significand & ~0xFFFFFULL));
  // Scaled in two steps because 2^-1023 is not normal.
  const double scaled_low = low == 0 ? 0 : low * PowerOfTwo(-(k / 2)) * PowerOfTwo(-(k - k / 2));
  const Sum r_parts = AddExactly(m_high * c - 1, (m - m_high) * c + scaled_low * c);
  const double r = r_parts.high;
  const double scale = static_cast<double>(k - shift);
  const Sum sum = AddExactly(scale * kLn2High + entry[1], r);
  return sum.high + (sum.low + ((scale * kLn2Low + entry[2]) + (r_parts.low + LogTail(r))));
}

// e^x = (high + low) 2^m, |low| <= ulp(high); for |x| < 746.
struct Power {
  Sum sum;
  int64_t m;
};

// x = step (32 m + j) + r, step = ln(2) / 32, |r| <= step / 2; e^x = 2^m 2^(j/32) e^r.
Power ExpParts(double x) {
  const double rounder = 0x1.8p52;  // adding and taking it off rounds to an integer
  const double steps = (x * kInverseStep + rounder) - rounder;
  const int64_t number = static_cast<int64_t>(steps);
  const double* power = kPowers[number & 31];
  const double r = (x - steps * kStepHigh) - steps * kStepLow;
  // e^r - 1, Taylor; what is left out is below |r|^7 / 5040 < 2^-58 |r|.
  const double p =
      r + r * r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720)))));
  return {AddExactly(power[0], power[1] + power[0] * p), number >> 5};
}

// a * b = high + low exactly (Dekker 1971); for factors between 2^-400 and 2^400.
Sum MultiplyExactly(double a, double b) {
  constexpr double kSplitter = 0x1p27 + 1;
  const double a_shifted = a * kSplitter, b_shifted = b * kSplitter;
  const double a_high = a_shifted - (a_shifted - a), b_high = b_shifted - (b_shifted - b);
  const double a_low = a - a_high, b_low = b - b_high;
  const double product = a * b;
  return {product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low};
}

// (n.high + n.low) / (d.high + d.low): a division and one step of correction.
double Divide(Sum n, Sum d) {
  const double quotient = n.high / d.high;
  const Sum back = MultiplyExactly(quotient, d.high);
  const double rest = (n.high - back.high) - back.low + n.low - quotient * d.low;
  return quotient + rest / d.high;
}

}  // namespace

double Exp(double x) {
  if (x != x) return kNaN;
  if (x > 709.782712893384) return kInfinity;
  if (x < -745.1332191019412) return 0;
  const Power power = ExpParts(x);
  const double value = power.sum.high;
  const int64_t m = power.m;
  // Two factors, because 2^1024 and 2^-1074 are not normal numbers.
  if (m > 1023) return value * PowerOfTwo(1023) * PowerOfTwo(m - 1023);
  if (m < -1022) return value * PowerOfTwo(-1000) * PowerOfTwo(m + 1000);
  return value * PowerOfTwo(m);
}

double Log(double x) {
  if (x != x || x < 0) return kNaN;
  if (x == 0) return -kInfinity;
  if (x == kInfinity) return x;
  if (x >= std::numeric_limits<double>::min()) return LogOfSum(x, 0);
  return LogOfSum(x * 0x1p54, 0, 54);
}

double Log1p(double x) {
  if (x != x || x < -1) return kNaN;
  if (x == -1) return -kInfinity;
  if (x == kInfinity) return x;
  // Below 2^-54 the result rounds to x, and x^2 might underflow.
  if (x > -0x1p-54 && x < 0x1p-54) return x;
  if (x > -0x1p-8 && x < 0x1p-8) return x + LogTail(x);
  const Sum sum = AddExactly(1, x);
  return LogOfSum(sum.high, sum.low);
}

double Sigmoid(double z) {
  if (z != z) return kNaN;
  // Where 1 + e^-|z| rounds to 1 with room to spare.
  if (z > 40) return 1;
  if (z < -40) return Exp(z);
  const Power power = ExpParts(z > 0 ? -z : z);
  const double scale = PowerOfTwo(power.m);
  const Sum e = {power.sum.high * scale, power.sum.low * scale};
  Sum one_plus_e = AddExactly(1, e.high);
  one_plus_e.low += e.low;
  return Divide(z > 0 ? Sum{1, 0} : e, one_plus_e);
}

double LogLoss(double probability, bool happened) {
  if (probability != probability) return kNaN;
  constexpr double kClip = 1e-15;
  double given = happened ? probability : 1 - probability;
  if (given < kClip) given = kClip;
  if (given > 1 - kClip) given = 1 - kClip;
  return -Log(given);
}

}  // namespace streamml
