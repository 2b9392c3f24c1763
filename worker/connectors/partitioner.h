// How other programs' producers choose partitions from keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace streamml::connectors {

// kMurmur2: Kafka's own clients, and ours. kCrc32: "consistent", the default of librdkafka and all
// that is built on it. kFnv1a: Sarama's default, and librdkafka's "fnv1a".
enum class Partitioner : uint8_t { kMurmur2, kCrc32, kFnv1a };

std::optional<Partitioner> FindPartitioner(std::string_view name);  // "murmur2"
std::string_view PartitionerName(Partitioner partitioner);

// Where a producer puts a record with this key; below `num_partitions`, which is positive.
uint32_t PartitionOfKey(Partitioner partitioner, std::string_view key, uint32_t num_partitions);

}  // namespace streamml::connectors
