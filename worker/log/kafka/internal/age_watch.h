// Tells once of each topic that records are written which brokers delete at once, because their
// times are older than all that the topic keeps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace streamml::log::internal {

// Thread-safe, but for Add, which comes first.
class AgeWatch {
 public:
  // `note` gets a line for people, from any thread; it may be empty.
  explicit AgeWatch(std::function<void(const std::string& note)> note) : note_(std::move(note)) {}
  void Add(const std::string& topic, int64_t retention_ms) { retention_ms_[topic] = retention_ms; }
  // A record of this time will be written. Times in milliseconds since 1970.
  void Look(const std::string& topic, int64_t time_ms, int64_t now_ms);

 private:
  const std::function<void(const std::string& note)> note_;
  std::map<std::string, int64_t> retention_ms_;
  Mutex mutex_;
  std::set<std::string> told_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace streamml::log::internal
