// Locks over std::mutex, whose GUARDED_BY clang checks (./dev tidy). Not absl::Mutex:
// ThreadSanitizer cannot see into Debian's build of it and reports races that are none.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace streamml {

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

// Holds the mutex, which must outlive it, until the end of the scope.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// For real threads outside lane code: the waiting follows the real clock.
class ConditionVariable {
 public:
  void NotifyAll() { variable_.notify_all(); }

  // Waits, without the mutex, until notified, at most timeout_us (>= 0), or for no reason at all:
  // call it in a loop that looks at the condition. False when the time was up.
  bool WaitFor(Mutex& mutex, int64_t timeout_us) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = variable_.wait_for(lock, std::chrono::microseconds(timeout_us));
    lock.release();
    return status == std::cv_status::no_timeout;
  }

 private:
  std::condition_variable variable_;
};

// Something that happens once. What was written before Notify() is seen by whoever was told of it.
class Notification {
 public:
  void Notify() {
    MutexLock lock(mutex_);
    notified_ = true;
    changed_.NotifyAll();
  }
  bool HasBeenNotified() const {
    MutexLock lock(mutex_);
    return notified_;
  }
  // Waits at most timeout_us (>= 0); true when it has happened.
  bool WaitFor(int64_t timeout_us) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(timeout_us);
    MutexLock lock(mutex_);
    while (!notified_) {
      const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
          end - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      changed_.WaitFor(mutex_, left.count());
    }
    return true;
  }

 private:
  mutable Mutex mutex_;
  mutable ConditionVariable changed_;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace streamml
