// Running mean and population variance per column.
#pragma once

#include <string>

#include "worker/state/array_state.h"

namespace streamml::learn::internal {

// B. P. Welford, "Note on a method for calculating corrected sums of squares and products",
// Technometrics 4(3), 1962. Values are finite. Not thread-safe.
class Scaler {
 public:
  Scaler(const std::string& owner, uint64_t schema_hash, state::StateSet& states)
      : state_({owner, "features.scaler", schema_hash}, states) {}

  void Observe(size_t column, double x);
  // (x - mean) / sqrt(variance), 0 while there is no spread or where it overflows.
  double Transform(size_t column, double x) const;

  double count(size_t column) const { return state_.Get(column * kStride); }
  double mean(size_t column) const { return state_.Get(column * kStride + 1); }
  double variance(size_t column) const;

 private:
  static constexpr size_t kStride =
      4;  // count, mean, sum of squares, unused: one page holds 32 columns

  state::ArrayState state_;
};

}  // namespace streamml::learn::internal
