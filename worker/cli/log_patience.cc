#include "worker/cli/log_patience.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/status.h"

namespace streamml::cli {
namespace {

constexpr int64_t kFirstWaitUs = 20'000;
constexpr int64_t kMaxWaitUs = 2'000'000;
constexpr int64_t kStepUs = 20'000;
constexpr size_t kMaxNewsBytes = 64 << 10;  // that nobody takes
constexpr int64_t kTellUs = 10'000'000;     // between two lines about the same trouble

}  // namespace

bool LogPatience::Wait(const absl::Status& status, int attempt) {
  Clock& clock = SystemClock();
  const int64_t start = clock.MonotonicMicroseconds();
  // One failure is nothing to talk about.
  if (attempt > 1) {
    const MutexLock lock(mutex_);
    if (told_us_ < 0 || start - told_us_ >= kTellUs) {
      told_us_ = start;
      Add(absl::StrCat("the log cannot be written, trying again: ", status.message()));
    }
  }
  const int64_t wait = std::min(kMaxWaitUs, kFirstWaitUs << std::min(attempt, 10));
  while (true) {
    if (given_up_.load()) return false;
    if (overdue_()) return false;
    if (clock.MonotonicMicroseconds() - start >= wait) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(std::min(kStepUs, wait)));
  }
}

void LogPatience::Tell(const std::string& news) {
  const MutexLock lock(mutex_);
  Add(news);
}

void LogPatience::Add(const std::string& news) {
  if (news_.size() > kMaxNewsBytes) return;
  absl::StrAppend(&news_, news_.empty() ? "" : "\nnote: ", news);
}

std::string LogPatience::TakeNews() {
  const MutexLock lock(mutex_);
  return std::exchange(news_, "");
}

}  // namespace streamml::cli
