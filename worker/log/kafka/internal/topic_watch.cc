#include "worker/log/kafka/internal/topic_watch.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::log::internal {

absl::Status CompareTopic(const std::string& topic, const TopicDescription& first,
                          const absl::StatusOr<TopicDescription>& now) {
  if (absl::IsNotFound(now.status())) {
    return absl::NotFoundError(absl::StrCat("topic '", topic, "' has been deleted"));
  }
  if (!now.ok()) return absl::OkStatus();
  if (!first.id.empty() && now->id != first.id) {
    return absl::DataLossError(absl::StrCat("topic '", topic,
                                            "' has been deleted and made again (its id was ",
                                            first.id, " and is ", now->id, ")"));
  }
  if (now->num_partitions > first.num_partitions) {
    return absl::FailedPreconditionError(absl::StrCat(
        "topic '", topic, "' has ", now->num_partitions, " partitions and had ",
        first.num_partitions, " when it was opened: rows of the others would be left out"));
  }
  return absl::OkStatus();
}

TopicWatch::~TopicWatch() {
  std::thread thread;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

void TopicWatch::Remember(const std::string& topic, const TopicDescription& first) {
  const MutexLock lock(mutex_);
  topics_.try_emplace(topic, Entry{first});
}

void TopicWatch::Add(const std::string& topic) {
  const MutexLock lock(mutex_);
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;  // nobody knows what it was
  found->second.is_read = true;
  if (!thread_.joinable() && !stopped_) thread_ = std::thread([this] { Run(); });
}

absl::Status TopicWatch::Look(const std::string& topic) const {
  if (!any_trouble_.load()) return absl::OkStatus();
  const MutexLock lock(mutex_);
  const auto found = topics_.find(topic);
  return found == topics_.end() ? absl::OkStatus() : found->second.status;
}

void TopicWatch::Run() {
  while (true) {
    std::vector<std::string> names;
    {
      const MutexLock lock(mutex_);
      if (!stopped_) changed_.WaitFor(mutex_, interval_us_);
      if (stopped_) return;
      for (const auto& [name, entry] : topics_) {
        if (entry.is_read && entry.status.ok()) names.push_back(name);
      }
    }
    for (const std::string& name : names) AskFor(name);
  }
}

void TopicWatch::AskFor(const std::string& topic) {
  const absl::StatusOr<TopicDescription> now = ask_(topic);
  const MutexLock lock(mutex_);
  Entry& entry = topics_[topic];
  absl::Status status = CompareTopic(topic, entry.first, now);
  const bool is_gone = absl::IsNotFound(status);
  if (is_gone && !std::exchange(entry.was_gone, true)) return;
  if (!is_gone) entry.was_gone = false;
  if (status.ok()) return;
  entry.status = std::move(status);
  any_trouble_.store(true);
}

}  // namespace streamml::log::internal
