// The fingerprint of this build on this machine (invariant I3): equal fingerprints compute equal
// bits.
#pragma once

#include <cstdint>
#include <string>

namespace streamml::lane {

// Raised by hand when an operator, a learner, the encoder or a metric computes other bits from the
// same rows on purpose. What changes by accident (another compiler, CPU or library) shows in the
// self-test.
inline constexpr uint32_t kNumericGeneration = 1;

// "<numeric generation>-<16 hexadecimal digits>-<time zone data>", such as
// "1-0123456789abcdef-utc". The digits are a hash over the bits that the numeric kernels give now:
// exponential, logarithms, logistic function, powers and square roots on fixed arguments of every
// magnitude, and the scores of each learner in the table over a fixed run. "utc": this build knows
// no other time zone. Takes about a millisecond. Thread-safe.
std::string Fingerprint();

}  // namespace streamml::lane
