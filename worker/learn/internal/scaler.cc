#include "worker/learn/internal/scaler.h"

#include <cmath>

namespace streamml::learn::internal {

void Scaler::Observe(size_t column, double x) {
  double* entry = state_.Mutable(column * kStride);
  const double count = entry[0] + 1;
  const double delta = x - entry[1];
  const double mean = entry[1] + delta / count;
  const double squares = entry[2] + delta * (x - mean);
  // Values near the end of the range overflow: such a value leaves the statistics as they are.
  if (!std::isfinite(mean) || !std::isfinite(squares)) return;
  entry[0] = count;
  entry[1] = mean;
  entry[2] = squares;
}

double Scaler::Transform(size_t column, double x) const {
  const double* entry = state_.Peek(column * kStride);
  if (entry == nullptr || !(entry[2] > 0)) return 0;
  const double z = (x - entry[1]) / std::sqrt(entry[2] / entry[0]);
  return std::isfinite(z) ? z : 0;
}

double Scaler::variance(size_t column) const {
  const double* entry = state_.Peek(column * kStride);
  return entry == nullptr || entry[0] == 0 ? 0 : entry[2] / entry[0];
}

}  // namespace streamml::learn::internal
