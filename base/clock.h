// Time as a parameter: the only way code learns what time it is.
#pragma once

#include <cstdint>

namespace streamml {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Microseconds of a clock that never goes back; only differences mean something.
  virtual int64_t MonotonicMicroseconds() = 0;
  // Microseconds since 1970, UTC, as this machine has it; may jump, also back.
  virtual int64_t UtcMicroseconds() = 0;
};

// The machine's clock.
Clock& SystemClock();

}  // namespace streamml
