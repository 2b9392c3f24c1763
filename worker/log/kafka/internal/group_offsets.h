// Tells how far a job has come to people's tools: as offsets of a consumer group that nobody is a
// member of. Nothing is recovered from them, and that they cannot be told is never an error.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "base/mutex.h"

namespace streamml::log::internal {

using PartitionOffsets = std::map<std::pair<std::string, uint32_t>, uint64_t>;

// Thread-safe.
class GroupOffsets {
 public:
  using Send = std::function<absl::Status(const PartitionOffsets& offsets)>;
  // Sends what is new every `interval_us`, in a thread of its own from the first offset on, and
  // once more when it ends.
  GroupOffsets(Send send, int64_t interval_us)
      : send_(std::move(send)), interval_us_(interval_us) {}
  ~GroupOffsets();

  // All before the offset was read and is committed. Never waits for brokers.
  void Note(const std::string& topic, uint32_t partition, uint64_t offset);

 private:
  void Run();

  const Send send_;
  const int64_t interval_us_;
  Mutex mutex_;
  ConditionVariable changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  PartitionOffsets news_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace streamml::log::internal
