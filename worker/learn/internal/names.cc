#include "worker/learn/internal/names.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace streamml::learn::internal {

HashedNames::HashedNames(int bits, bool report_collisions, const std::string& owner,
                         uint64_t schema_hash, state::StateSet& states)
    : mask_((uint64_t{1} << bits) - 1) {
  if (report_collisions) {
    prints_.emplace(state::StateId{owner, "features.collisions", schema_hash}, states);
  }
}

std::optional<uint32_t> HashedNames::Find(std::string_view name) const {
  return static_cast<uint32_t>(Hash64(name, kNameSeed) & mask_);
}

bool HashedNames::Observe(std::string_view name) {
  if (!prints_.has_value()) return false;
  const uint64_t hash = Hash64(name, kNameSeed);
  const double print = static_cast<double>((hash >> 32) + 1);
  double* counts = prints_->Mutable(0);
  double* slot = prints_->Mutable(kFirstPrint + (hash & mask_));
  counts[0] += 1;
  if (*slot == 0) {
    *slot = print;
  } else if (*slot != print) {
    counts[1] += 1;
  }
  return false;
}

NameCounts HashedNames::counts() const {
  if (!prints_.has_value()) return {};
  return {.occurrences = static_cast<uint64_t>(prints_->Get(0)),
          .colliding = static_cast<uint64_t>(prints_->Get(1))};
}

void DictionaryNames::IndexCodec::Encode(const uint32_t& value, std::string& out) {
  ByteWriter(out).U32(value);
}

bool DictionaryNames::IndexCodec::Decode(std::string_view bytes, uint32_t& value) {
  ByteReader reader(bytes);
  value = reader.U32();
  return reader.AtEnd();
}

DictionaryNames::DictionaryNames(uint64_t bound, const std::string& owner, uint64_t schema_hash,
                                 state::StateSet& states)
    : bound_(bound),
      indexes_({owner, "features.dictionary", schema_hash}, states),
      overflowed_({owner, "features.overflowed", schema_hash}, states) {}

std::optional<uint32_t> DictionaryNames::Find(std::string_view name) const {
  const uint32_t* index = indexes_.Find(name);
  if (index != nullptr) return *index;
  if (IsFull()) return 0;
  return std::nullopt;
}

bool DictionaryNames::Observe(std::string_view name) {
  if (indexes_.Find(name) != nullptr) return false;
  if (IsFull()) {
    *overflowed_.Mutable(0) += 1;
    return false;
  }
  // Names are never removed, so the number of entries is the next index; it needs no state of its
  // own.
  const uint32_t next = static_cast<uint32_t>(indexes_.num_entries()) + 1;
  indexes_.Mutable(name) = next;
  return true;
}

NameCounts DictionaryNames::counts() const {
  return {.overflowed = static_cast<uint64_t>(overflowed_.Get(0))};
}

}  // namespace streamml::learn::internal
