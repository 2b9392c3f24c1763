// Hashes that are stored and compared across processes: XXH3 (xxHash 0.8, whose output is frozen),
// never absl::Hash, which is salted per process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace streamml {

uint64_t Hash64(std::string_view bytes, uint64_t seed = 0);

// A 128-bit digest. Two uses, both independent of how a stream is cut into batches:
// Chain() folds rows in order; Add()/Subtract() keep the digest of an unordered set of entries.
struct Digest {
  uint64_t low = 0;
  uint64_t high = 0;

  // this = H(this, bytes): depends on every row so far and on their order.
  void Chain(std::string_view bytes);
  // Sums modulo 2^64 per half: the order of Add and Subtract does not matter.
  void Add(const Digest& entry);
  void Subtract(const Digest& entry);

  // 32 lower-case hexadecimal digits.
  std::string ToHex() const;
  friend bool operator==(const Digest&, const Digest&) = default;
};

Digest Hash128(std::string_view bytes);

}  // namespace streamml
