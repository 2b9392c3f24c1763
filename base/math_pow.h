// Powers and decimal logarithms of doubles in own code: equal inputs give equal bits whatever libm
// is installed (invariant I3). See base/math.h.
//
// Method: ln x as a sum of two doubles (reduction by tabled reciprocals, then the series of ln(1 +
// r) with its first three terms in two doubles; relative error below 2^-66), multiplied by y in two
// doubles (Dekker 1971), and the exponential after Tang 1989 with the low part carried along.
// tests/base/math_pow_test.cc measures the errors against 64-bit significands.
//
// Thread-safe. A NaN comes back as the quiet NaN without payload.
#pragma once

namespace streamml {

// x^y, error below 0.6 ulp (1 for denormal results); powers that are doubles are exact. Special
// cases are those of C (Annex F): Pow(x, 0) and Pow(1, y) are 1 even for a NaN, a negative x needs
// an integer y, else NaN; Pow(+-0, y < 0) is an infinity.
double Pow(double x, double y);

// log10(x), error below 0.6 ulp; exact for powers of ten. +-0: -infinity; negative: NaN.
double Log10(double x);

}  // namespace streamml
