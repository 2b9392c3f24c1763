// What waits to be read.
#pragma once

#include <cstdint>

namespace streamml::log {

struct Backlog {
  uint64_t rows = 0;
  // When the oldest of them was written, microseconds since 1970, UTC, by the clock of who wrote it
  // or of the broker; 0: not known, or nothing waits.
  int64_t oldest_us = 0;
};

}  // namespace streamml::log
