#include "base/hash.h"

#include <bit>

#include "absl/strings/str_format.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace streamml {

uint64_t Hash64(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Digest Hash128(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

void Digest::Chain(std::string_view bytes) {
  const uint64_t seed = low ^ std::rotl(high, 31);
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  low = hash.low64;
  high = hash.high64 + std::rotl(high, 17) * 0x9E3779B97F4A7C15ULL;
}

void Digest::Add(const Digest& entry) {
  low += entry.low;
  high += entry.high;
}

void Digest::Subtract(const Digest& entry) {
  low -= entry.low;
  high -= entry.high;
}

std::string Digest::ToHex() const { return absl::StrFormat("%016x%016x", high, low); }

}  // namespace streamml
