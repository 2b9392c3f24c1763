// What becomes of topics that are being read. Consumers do not say it: one that was deleted and
// made again goes on at the old offset, and partitions that are added are nobody's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "worker/log/topics.h"

namespace streamml::log::internal {

// DATA_LOSS when the topic is another one than `first`, FAILED_PRECONDITION when it has more
// partitions, NOT_FOUND when it is gone. A question without an answer says nothing.
absl::Status CompareTopic(const std::string& topic, const TopicDescription& first,
                          const absl::StatusOr<TopicDescription>& now);

// Thread-safe.
class TopicWatch {
 public:
  using Ask = std::function<absl::StatusOr<TopicDescription>(const std::string& topic)>;
  // Asks for each topic that was added every `interval_us`, in a thread of its own, from the first
  // topic on.
  TopicWatch(Ask ask, int64_t interval_us) : ask_(std::move(ask)), interval_us_(interval_us) {}
  ~TopicWatch();

  // The topic as it was when it was looked at first; later ones are not taken.
  void Remember(const std::string& topic, const TopicDescription& first);
  void Add(const std::string& topic);  // it is being read
  // What has become of it, as far as it is known. Never waits for brokers.
  absl::Status Look(const std::string& topic) const;

 private:
  struct Entry {
    TopicDescription first;
    bool is_read = false;
    bool was_gone = false;  // at the last look: brokers that are behind may say so for a moment
    absl::Status status = absl::OkStatus();
  };
  void Run();
  void AskFor(const std::string& topic);

  const Ask ask_;
  const int64_t interval_us_;
  std::atomic<bool> any_trouble_ = false;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, Entry> topics_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace streamml::log::internal
