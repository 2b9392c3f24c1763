// A clock that goes when it is told to.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace streamml::support {

// Thread-safe.
class ManualClock final : public Clock {
 public:
  int64_t MonotonicMicroseconds() override { return now_us_.load(); }
  int64_t UtcMicroseconds() override { return kStartUtcUs + now_us_.load(); }
  void Advance(int64_t us) { now_us_.fetch_add(us); }

 private:
  static constexpr int64_t kStartUtcUs = 1'700'000'000'000'000;
  std::atomic<int64_t> now_us_{1'000'000'000};
};

}  // namespace streamml::support
