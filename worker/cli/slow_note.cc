#include "worker/cli/slow_note.h"

#include <iostream>
#include <utility>

#include "base/clock.h"

namespace streamml::cli {

SlowNote::SlowNote(std::string text, int64_t after_us)
    : thread_([this, text = std::move(text), after_us] {
        const int64_t due_us = SystemClock().MonotonicMicroseconds() + after_us;
        {
          const MutexLock lock(mutex_);
          while (!over_) {
            const int64_t left_us = due_us - SystemClock().MonotonicMicroseconds();
            if (left_us <= 0) break;
            changed_.WaitFor(mutex_, left_us);
          }
          if (over_) return;
        }
        std::cerr << "note: " + text + "\n";
      }) {}

SlowNote::~SlowNote() {
  {
    const MutexLock lock(mutex_);
    over_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

}  // namespace streamml::cli
