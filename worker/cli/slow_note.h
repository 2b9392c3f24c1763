// A line that is printed only if something takes longer than people like to wait without a word.
#pragma once

#include <cstdint>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace streamml::cli {

// Prints `text` to standard error once it has lived for `after_us`.
class SlowNote {
 public:
  explicit SlowNote(std::string text, int64_t after_us = 700'000);
  ~SlowNote();
  SlowNote(const SlowNote&) = delete;
  SlowNote& operator=(const SlowNote&) = delete;

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace streamml::cli
