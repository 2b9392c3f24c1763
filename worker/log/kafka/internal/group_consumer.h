// A consumer that joins no group and reads nothing, for committing offsets.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "worker/log/kafka/internal/group_offsets.h"
#include "worker/log/kafka/internal/handles.h"
#include "worker/log/kafka/internal/kafka_client.h"

namespace streamml::log::internal {

// One thread at a time.
class GroupConsumer {
 public:
  // Of the group that the client's options name.
  explicit GroupConsumer(const KafkaClient& client) : client_(client) {}
  ~GroupConsumer();
  // Connects when first called. Waits two seconds at most.
  absl::Status Commit(const PartitionOffsets& offsets);

 private:
  const KafkaClient& client_;
  KafkaHandle handle_;
  QueueHandle queue_;  // of answers
};

}  // namespace streamml::log::internal
