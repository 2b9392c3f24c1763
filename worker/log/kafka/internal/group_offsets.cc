#include "worker/log/kafka/internal/group_offsets.h"

namespace streamml::log::internal {

GroupOffsets::~GroupOffsets() {
  std::thread thread;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

void GroupOffsets::Note(const std::string& topic, uint32_t partition, uint64_t offset) {
  const MutexLock lock(mutex_);
  news_[{topic, partition}] = offset;
  if (!thread_.joinable() && !stopped_) thread_ = std::thread([this] { Run(); });
}

void GroupOffsets::Run() {
  bool is_last = false;
  while (!is_last) {
    PartitionOffsets news;
    {
      const MutexLock lock(mutex_);
      if (!stopped_) changed_.WaitFor(mutex_, interval_us_);
      is_last = stopped_;
      news.swap(news_);
    }
    if (news.empty() || send_(news).ok() || is_last) continue;
    const MutexLock lock(mutex_);
    news_.merge(news);  // what has come since is newer
  }
}

}  // namespace streamml::log::internal
