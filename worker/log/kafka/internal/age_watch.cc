#include "worker/log/kafka/internal/age_watch.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace streamml::log::internal {

void AgeWatch::Look(const std::string& topic, int64_t time_ms, int64_t now_ms) {
  const auto found = retention_ms_.find(topic);
  if (found == retention_ms_.end() || time_ms >= now_ms - found->second) return;
  {
    const MutexLock lock(mutex_);
    if (!told_.insert(topic).second) return;
  }
  if (!note_) return;
  note_(absl::StrCat(
      "topic '", topic, "': a record has the time ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMillis(time_ms), absl::UTCTimeZone()),
      ", and retention.ms of the topic, ", found->second,
      ", keeps none that is as old: brokers will delete it. Raise it with kafka-configs --alter, "
      "or set message.timestamp.type=LogAppendTime"));
}

}  // namespace streamml::log::internal
