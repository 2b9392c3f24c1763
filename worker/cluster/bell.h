// Wakes the coordinator's loop.
#pragma once

#include <cstdint>

#include "base/mutex.h"

namespace streamml::cluster {

// Thread-safe.
class Bell {
 public:
  void Ring() {
    const MutexLock lock(mutex_);
    rung_ = true;
    changed_.NotifyAll();
  }
  // Until it is rung, was rung since the last time, or the time is over.
  void Wait(int64_t timeout_us) {
    const MutexLock lock(mutex_);
    if (!rung_) changed_.WaitFor(mutex_, timeout_us);
    rung_ = false;
  }

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  bool rung_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace streamml::cluster
