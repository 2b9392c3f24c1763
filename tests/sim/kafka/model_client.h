// A process's connection to the model of Kafka: the transport of the real KafkaLog, and topics. It
// behaves as librdkafka does: waits, tries again, gives up; and it is where a process may die, or
// be stopped for a while, in the middle of a request.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tests/sim/kafka/model_kafka.h"
#include "worker/log/kafka/internal/transport.h"
#include "worker/log/topics.h"

namespace streamml::sim {

// Where a process may be struck.
enum class Point : uint8_t { kBeforeWrite, kWriting, kBeforeEnd, kEndSent, kEndTookEffect };

// What becomes of a request to end a transaction.
enum class EndFate : uint8_t {
  kNormal,
  kLost,          // never arrives
  kAnswerLost,    // takes effect
  kAnsweredLate,  // arrives late, and is still waited for
  kDelayed,       // arrives after the client gave up
  kDuplicated,    // arrives twice
};

// Shared by a process and all that its log made: those who outlive the process do nothing any more.
struct ClientState {
  ModelKafka* kafka = nullptr;
  support::Random* random = nullptr;
  bool dead = false;
  // Asked at every point; false: the process dies here. `id` is the transactional id.
  std::function<bool(Point point, const std::string& id)> pass;
  std::function<EndFate()> end_fate;
  bool calm = false;  // no requests are lost or late
};

std::unique_ptr<log::internal::Transport> MakeModelTransport(std::shared_ptr<ClientState> state);
std::unique_ptr<log::Topics> MakeModelTopics(std::shared_ptr<ClientState> state);

}  // namespace streamml::sim
