// The topics of a job's own: made where they are missing, checked where they are there.
#pragma once

#include "absl/status/status.h"
#include "worker/log/kafka/internal/transport.h"
#include "worker/log/kafka/kafka_log.h"

namespace streamml::log::internal {

inline constexpr const char* kJournal = "journal";

// Errors as OpenKafkaLog.
absl::Status MakeJobTopics(Transport& transport, const KafkaLogOptions& options);

}  // namespace streamml::log::internal
