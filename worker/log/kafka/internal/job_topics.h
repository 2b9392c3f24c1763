// The topics of a job's own: made where they are missing, checked where they are there.
#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "worker/log/kafka/internal/age_watch.h"
#include "worker/log/kafka/internal/transport.h"
#include "worker/log/kafka/kafka_log.h"

namespace streamml::log::internal {

inline constexpr const char* kJournal = "journal";

// Errors as OpenKafkaLog. Adds what topics of sinks keep to the watch.
absl::Status MakeJobTopics(Transport& transport, const KafkaLogOptions& options,
                           AgeWatch& age_watch);

// Messages that are sent together must not be more than any of the topics takes: brokers refuse
// them as one. A message that is larger goes alone.
size_t MaxBatchBytes(const KafkaLogOptions& options);

}  // namespace streamml::log::internal
