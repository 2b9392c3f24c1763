#include "worker/learn/internal/auc.h"

#include <bit>
#include <cstdint>

namespace streamml::learn::internal {

namespace {

constexpr int kSignificandBits = 6;
constexpr int kShift = 52 - kSignificandBits;
constexpr uint64_t kLowest = std::bit_cast<uint64_t>(0x1p-40) >> kShift;
constexpr uint64_t kHalf = std::bit_cast<uint64_t>(0.5) >> kShift;
// Bins of one side: one for all below 2^-40, then up to 0.5 itself.
constexpr uint64_t kSide = kHalf - kLowest + 2;
constexpr uint64_t kBins = 2 * kSide;

// Rank of a distance to the nearer end, 0 to kSide - 1.
uint64_t SideBin(double distance) {
  if (!(distance >= 0x1p-40)) return 0;
  return (std::bit_cast<uint64_t>(distance) >> kShift) - kLowest + 1;
}

// Grows with the score. 1 - score is exact from 0.5 on.
uint64_t BinOf(double score) {
  return score <= 0.5 ? SideBin(score) : kBins - 1 - SideBin(1 - score);
}

}  // namespace

BinnedAuc::BinnedAuc(const std::string& owner, state::StateSet& states)
    : bins_({owner, "metrics.auc", 1}, states) {}

void BinnedAuc::Add(double score, bool label) {
  *bins_.Mutable(2 * BinOf(score) + (label ? 1 : 0)) += 1;
}

std::optional<BinnedAuc::Result> BinnedAuc::Read() const {
  double negatives = 0, positives = 0, ordered = 0, tied = 0;
  for (uint64_t bin = 0; bin < kBins; ++bin) {
    const double* counts = bins_.Peek(2 * bin);
    if (counts == nullptr) continue;
    ordered += counts[1] * negatives;
    tied += counts[1] * counts[0];
    negatives += counts[0];
    positives += counts[1];
  }
  if (negatives == 0 || positives == 0) return std::nullopt;
  const double pairs = negatives * positives;
  return Result{(ordered + tied / 2) / pairs, tied / 2 / pairs};
}

}  // namespace streamml::learn::internal
