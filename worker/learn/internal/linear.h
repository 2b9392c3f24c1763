// What the linear learners share: where coordinates lie in their state, and margins that are
// defined for every finite input.
#pragma once

#include <cmath>
#include <cstdint>

#include "absl/types/span.h"
#include "base/hash.h"
#include "worker/learn/learner.h"

namespace streamml::learn::internal {

// Slot 0 is the intercept's; a feature's follows from its index.
inline constexpr uint64_t kInterceptSlot = 0;
inline uint64_t SlotOf(const Feature& feature) { return uint64_t{feature.index} + 1; }

// A sum of products that overflowed in both directions is no number; it counts as 0, "knows
// nothing". Infinities are margins of certainty.
inline double DefinedMargin(double sum) { return sum != sum ? 0 : sum; }

// The hash under which state is kept: the format's name and version, what gives indexes their
// meaning, and the numbers that give stored values theirs.
inline uint64_t StateHash(std::string_view format, uint64_t feature_hash,
                          absl::Span<const double> numbers) {
  const std::string_view bytes(reinterpret_cast<const char*>(numbers.data()),
                               numbers.size() * sizeof(double));
  return Hash64(bytes, Hash64(format, feature_hash));
}

}  // namespace streamml::learn::internal
