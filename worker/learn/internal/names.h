// Names of categorical features -> indexes, counted from 0: by hash or by an exact dictionary.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "worker/state/array_state.h"
#include "worker/state/keyed_state.h"

namespace streamml::learn::internal {

// The hash of names is XXH3 with this seed. Both are part of the feature schema hash.
inline constexpr uint64_t kNameSeed = 0x53747265616D4D4CULL;
inline constexpr std::string_view kNameAlgorithm = "xxh3-64 1";

struct NameCounts {
  uint64_t overflowed = 0;
  uint64_t occurrences = 0;
  uint64_t colliding = 0;
};

class NameIndex {
 public:
  virtual ~NameIndex() = default;
  virtual std::optional<uint32_t> Find(std::string_view name) const = 0;
  // Takes a name into the state. True when Find would now answer otherwise than before.
  virtual bool Observe(std::string_view name) = 0;
  virtual NameCounts counts() const = 0;
};

// Without fingerprints it has no state.
class HashedNames final : public NameIndex {
 public:
  HashedNames(int bits, bool report_collisions, const std::string& owner, uint64_t schema_hash,
              state::StateSet& states);
  std::optional<uint32_t> Find(std::string_view name) const override;
  bool Observe(std::string_view name) override;
  NameCounts counts() const override;

 private:
  const uint64_t mask_;
  // Slot 0: occurrences, slot 1: colliding; from kFirstPrint on, the fingerprint of the name that
  // came first to each index: 32 bits of the hash that are not in the index, plus 1, so that 0 is
  // "none".
  static constexpr uint64_t kFirstPrint = state::ArrayState::kPageSize;
  std::optional<state::ArrayState> prints_;
};

// Index 0 is "unseen"; names have 1, 2, ... in order of their first Observe.
class DictionaryNames final : public NameIndex {
 public:
  DictionaryNames(uint64_t bound, const std::string& owner, uint64_t schema_hash,
                  state::StateSet& states);
  std::optional<uint32_t> Find(std::string_view name) const override;
  bool Observe(std::string_view name) override;
  NameCounts counts() const override;

 private:
  struct IndexCodec {
    static void Encode(const uint32_t& value, std::string& out);
    static bool Decode(std::string_view bytes, uint32_t& value);
  };

  bool IsFull() const { return indexes_.num_entries() >= bound_; }

  const uint64_t bound_;
  state::KeyedState<uint32_t, IndexCodec> indexes_;
  state::ArrayState overflowed_;
};

}  // namespace streamml::learn::internal
