#include "worker/connectors/partitioner.h"

#include <zlib.h>

#include <array>

namespace streamml::connectors {
namespace {

struct Name {
  Partitioner partitioner;
  std::string_view name;
};
constexpr std::array<Name, 3> kNames = {{{Partitioner::kMurmur2, "murmur2"},
                                         {Partitioner::kCrc32, "crc32"},
                                         {Partitioner::kFnv1a, "fnv1a"}}};

uint32_t Byte(std::string_view key, size_t i) { return static_cast<unsigned char>(key[i]); }

// MurmurHash2, 32 bits (A. Appleby, public domain), with the seed that Kafka's clients use.
uint32_t Murmur2(std::string_view key) {
  constexpr uint32_t kMultiplier = 0x5BD1E995;
  constexpr int kShift = 24;
  uint32_t hash = 0x9747B28C ^ static_cast<uint32_t>(key.size());
  size_t i = 0;
  for (; i + 4 <= key.size(); i += 4) {
    uint32_t word =
        Byte(key, i) | Byte(key, i + 1) << 8 | Byte(key, i + 2) << 16 | Byte(key, i + 3) << 24;
    word *= kMultiplier;
    word ^= word >> kShift;
    word *= kMultiplier;
    hash *= kMultiplier;
    hash ^= word;
  }
  const size_t rest = key.size() - i;
  if (rest >= 3) hash ^= Byte(key, i + 2) << 16;
  if (rest >= 2) hash ^= Byte(key, i + 1) << 8;
  if (rest >= 1) {
    hash ^= Byte(key, i);
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return hash;
}

uint32_t Crc32(std::string_view key) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(key.data()), static_cast<uInt>(key.size())));
}

// FNV-1a, 32 bits (Fowler, Noll, Vo), taken as a signed number without its sign.
uint32_t Fnv1a(std::string_view key) {
  uint32_t hash = 0x811C9DC5;
  for (size_t i = 0; i < key.size(); ++i) {
    hash ^= Byte(key, i);
    hash *= 0x01000193;
  }
  return static_cast<int32_t>(hash) < 0 ? 0 - hash : hash;
}

}  // namespace

std::optional<Partitioner> FindPartitioner(std::string_view name) {
  for (const Name& each : kNames) {
    if (each.name == name) return each.partitioner;
  }
  return std::nullopt;
}

std::string_view PartitionerName(Partitioner partitioner) {
  for (const Name& each : kNames) {
    if (each.partitioner == partitioner) return each.name;
  }
  return "";
}

uint32_t PartitionOfKey(Partitioner partitioner, std::string_view key, uint32_t num_partitions) {
  switch (partitioner) {
    case Partitioner::kMurmur2:
      return (Murmur2(key) & 0x7FFFFFFF) % num_partitions;  // its sign bit does not count
    case Partitioner::kCrc32:
      return Crc32(key) % num_partitions;
    case Partitioner::kFnv1a:
      return Fnv1a(key) % num_partitions;
  }
  return 0;
}

}  // namespace streamml::connectors
