// Counts commits and wakes those who wait for one. Thread-safe.
#pragma once

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace streamml::log {

class CommitBell {
 public:
  void Ring() {
    const MutexLock lock(mutex_);
    ++version_;
    changed_.NotifyAll();
  }
  uint64_t version() const {
    const MutexLock lock(mutex_);
    return version_;
  }
  // Once is enough: whoever waits looks again anyway.
  void Wait(uint64_t seen, int64_t timeout_us) {
    const MutexLock lock(mutex_);
    if (version_ == seen) changed_.WaitFor(mutex_, timeout_us);
  }

 private:
  mutable Mutex mutex_;
  ConditionVariable changed_;
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace streamml::log
