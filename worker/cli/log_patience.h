// How lanes wait for a log that cannot be reached, and what the user is told of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "base/mutex.h"

namespace streamml::cli {

// Thread-safe.
class LogPatience {
 public:
  // `overdue`: a stop was asked for long enough ago.
  explicit LogPatience(std::function<bool()> overdue) : overdue_(std::move(overdue)) {}

  // Waits before attempt `attempt` (from 1), longer each time up to two seconds. False once a stop
  // is overdue: what was not committed is done again later.
  bool Wait(const absl::Status& status, int attempt);
  // From now on nobody waits.
  void GiveUp() { given_up_.store(true); }
  // News of another kind.
  void Tell(const std::string& news);
  // The trouble and other news that nobody was told of yet, or "".
  std::string TakeNews();

 private:
  void Add(const std::string& news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<bool()> overdue_;
  std::atomic<bool> given_up_ = false;
  Mutex mutex_;
  std::string news_ ABSL_GUARDED_BY(mutex_);
  int64_t told_us_ ABSL_GUARDED_BY(mutex_) = -1;  // when there was news last
};

}  // namespace streamml::cli
