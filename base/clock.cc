#include "base/clock.h"

#include <chrono>

namespace streamml {
namespace {

class MachineClock final : public Clock {
 public:
  int64_t MonotonicMicroseconds() override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  int64_t UtcMicroseconds() override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace

Clock& SystemClock() {
  static MachineClock clock;
  return clock;
}

}  // namespace streamml
