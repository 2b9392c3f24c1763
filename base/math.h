// Exponential, logarithms and logistic function of doubles in own code, so that equal inputs give
// equal bits whatever libm is installed (invariant I3). Only +, -, * and / of IEEE 754 in round to
// nearest are used, which the build does not contract. Square roots are exact in IEEE 754: use
// std::sqrt.
//
// Methods: table look-up and polynomial after P. T. P. Tang, "Table-driven implementation of the
// exponential function in IEEE floating-point arithmetic", ACM TOMS 15(2), 1989, and "... of the
// logarithm function ...", ACM TOMS 16(4), 1990; written anew, with Taylor polynomials, exact
// reduction by 9-bit reciprocals, and the low part of sums carried along.
// tests/base/math_test.cc measures the errors against 64-bit significands.
//
// Thread-safe. A NaN comes back as the quiet NaN without payload.
#pragma once

namespace streamml {

// e^x, error below 0.6 ulp (0.8 for denormal results). Above 709.78...: +infinity; below
// -745.13...: 0.
double Exp(double x);

// Natural logarithm, error below 0.6 ulp. +-0: -infinity; negative: NaN; +infinity: itself.
double Log(double x);

// ln(1 + x) without loss for small x, error below 0.6 ulp. -1: -infinity; below: NaN; -0: -0.
double Log1p(double x);

// 1 / (1 + e^-z), error below 0.6 ulp (0.8 for denormal results). In [0, 1]; 0 and 1 at the
// infinities.
double Sigmoid(double z);

// Loss of a predicted probability against what happened: -ln q, q the probability given to what
// happened, clipped to [1e-15, 1 - 1e-15]; so between 1e-15 and 34.54. NaN for a NaN.
double LogLoss(double probability, bool happened);

}  // namespace streamml
