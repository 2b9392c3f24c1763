#include "worker/log/kafka/incarnations.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/log/kafka/internal/frame.h"
#include "worker/log/kafka/internal/job_topics.h"
#include "worker/log/kafka/internal/kafka_client.h"
#include "worker/log/kafka/internal/kafka_transport.h"

namespace streamml::log {
namespace {

constexpr int kStepMs = 100;

// The first message of a partition, or nullopt when it has none.
absl::StatusOr<std::optional<internal::InMessage>> FirstMessage(internal::Transport& transport,
                                                                internal::MessageStream& stream) {
  for (int waited = 0; waited < transport.timeout_ms() && !transport.gives_up();
       waited += kStepMs) {
    ASSIGN_OR_RETURN(const std::optional<internal::InMessage> message, stream.Wait(kStepMs));
    if (message.has_value() || stream.has_passed_start()) return message;
  }
  return transport.Explain(absl::UnavailableError("no answer about the journal"));
}

}  // namespace

absl::StatusOr<std::vector<uint32_t>> FindIncarnations(KafkaCluster& cluster,
                                                       const std::string& identity) {
  ASSIGN_OR_RETURN(const std::vector<std::string> topics, cluster.client().ListTopics());
  const std::string begin = absl::StrCat("streamml.", identity, ".");
  const std::string end = absl::StrCat(".", internal::kJournal);
  std::vector<uint32_t> numbers;
  for (const std::string& topic : topics) {
    if (topic.size() <= begin.size() + end.size() || !topic.starts_with(begin) ||
        !topic.ends_with(end)) {
      continue;
    }
    uint32_t number = 0;
    const std::string text = topic.substr(begin.size(), topic.size() - begin.size() - end.size());
    if (absl::SimpleAtoi(text, &number) && number > 0) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

absl::StatusOr<std::string> FirstJournalRecord(KafkaCluster& cluster, const TopicOwner& owner) {
  const std::unique_ptr<internal::Transport> transport =
      internal::MakeKafkaTransport(cluster.client());
  const std::string topic = OwnTopicName(owner, internal::kJournal);
  ASSIGN_OR_RETURN(const TopicDescription description, transport->Describe(topic));
  for (uint32_t lane = 0; lane < description.num_partitions; ++lane) {
    ASSIGN_OR_RETURN(const std::unique_ptr<internal::MessageStream> stream,
                     transport->OpenStream(topic, lane, internal::Transport::kFirstKept));
    const auto message = FirstMessage(*transport, *stream);
    if (!message.ok()) return Annotate(message.status(), absl::StrCat("topic '", topic, "'"));
    if (!message->has_value()) continue;
    ASSIGN_OR_RETURN(const internal::WireJournal wire, internal::DecodeJournal((*message)->value));
    return std::string(wire.record);
  }
  return std::string();
}

}  // namespace streamml::log
