// Lives of a job's own topics: which of them a cluster has, and how they began.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/log/kafka/kafka_cluster.h"
#include "worker/log/topic_name.h"

namespace streamml::log {

// Numbers of the incarnations whose journal is there, rising. UNAVAILABLE when no broker answers.
absl::StatusOr<std::vector<uint32_t>> FindIncarnations(KafkaCluster& cluster,
                                                       const std::string& identity);

// The first record that is kept of some lane's journal; "" while all are empty. UNAVAILABLE when no
// broker answers, DATA_LOSS for what is no record.
absl::StatusOr<std::string> FirstJournalRecord(KafkaCluster& cluster, const TopicOwner& owner);

}  // namespace streamml::log
