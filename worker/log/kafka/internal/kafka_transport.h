// The transport on librdkafka.
#pragma once

#include <memory>

#include "worker/log/kafka/internal/kafka_client.h"
#include "worker/log/kafka/internal/transport.h"

namespace streamml::log::internal {

// The client must outlive it and what it hands out.
std::unique_ptr<Transport> MakeKafkaTransport(KafkaClient& client);

}  // namespace streamml::log::internal
