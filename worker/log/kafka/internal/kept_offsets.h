// Which messages of a partition there are, and which are to go.
#pragma once

#include <cstdint>
#include <string>

namespace streamml::log::internal {

// What of a partition is kept: `end` is behind the last committed message.
struct KeptOffsets {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// Messages of a partition that are to go: all before an offset.
struct PartitionCut {
  std::string topic;
  uint32_t partition = 0;
  uint64_t before = 0;
};

}  // namespace streamml::log::internal
