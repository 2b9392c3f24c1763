#include "worker/log/kafka/internal/kafka_transport.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "worker/log/kafka/internal/partition_stream.h"
#include "worker/log/kafka/internal/producer.h"

namespace streamml::log::internal {
namespace {

// Nothing is deleted below what is needed: what is not kept at offset 0 was never needed.
int64_t ToKafka(uint64_t offset) {
  return offset == 0 ? RD_KAFKA_OFFSET_BEGINNING : static_cast<int64_t>(offset);
}

std::optional<InMessage> ToMessage(const rd_kafka_message_t* message) {
  if (message == nullptr) return std::nullopt;
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const int64_t time_ms = rd_kafka_message_timestamp(message, &type);
  return InMessage{static_cast<uint64_t>(message->offset),
                   {static_cast<const char*>(message->payload), message->len},
                   std::max<int64_t>(time_ms, 0) * 1000};
}

class KafkaStream final : public MessageStream {
 public:
  explicit KafkaStream(std::unique_ptr<PartitionStream> stream) : stream_(std::move(stream)) {}
  absl::StatusOr<std::optional<InMessage>> Next() override {
    ASSIGN_OR_RETURN(const rd_kafka_message_t* message, stream_->Next());
    return ToMessage(message);
  }
  absl::StatusOr<std::optional<InMessage>> Wait(int timeout_ms) override {
    ASSIGN_OR_RETURN(const rd_kafka_message_t* message, stream_->Wait(timeout_ms));
    return ToMessage(message);
  }
  bool at_end() const override { return stream_->at_end(); }
  bool has_passed_start() const override { return stream_->has_passed_start(); }
  absl::Status Seek(uint64_t offset) override { return stream_->Seek(ToKafka(offset)); }
  std::optional<uint64_t> num_unread() const override { return stream_->num_unread(); }

 private:
  std::unique_ptr<PartitionStream> stream_;
};

class KafkaTransport final : public Transport {
 public:
  explicit KafkaTransport(KafkaClient& client) : client_(client) {}
  absl::StatusOr<std::unique_ptr<Producer>> OpenProducer(const ProducerSpec& spec) override {
    return TransactionalProducer::Make(client_, spec);
  }
  absl::StatusOr<std::unique_ptr<MessageStream>> OpenStream(const std::string& topic,
                                                            uint32_t partition,
                                                            uint64_t offset) override {
    ASSIGN_OR_RETURN(std::unique_ptr<PartitionStream> stream,
                     PartitionStream::Open(client_, topic, partition, ToKafka(offset)));
    return std::make_unique<KafkaStream>(std::move(stream));
  }
  absl::StatusOr<TopicDescription> Describe(const std::string& topic) override {
    return client_.Describe(topic);
  }
  absl::StatusOr<int> CountBrokers() override { return client_.CountBrokers(); }
  absl::StatusOr<std::vector<std::string>> ReadSettings(
      const std::string& topic, const std::vector<std::string>& names) override {
    return client_.ReadSettings(topic, names);
  }
  absl::Status CreateTopic(const std::string& topic, uint32_t num_partitions, int replication,
                           const Transport::Settings& settings) override {
    return client_.CreateTopic(topic, num_partitions, replication, settings);
  }
  CommitBell& bell() override { return client_.bell(); }
  void WaitForMessages(int timeout_ms) override {
    client_.bell().Wait(client_.bell().version(), int64_t{timeout_ms} * 1000);
  }
  int timeout_ms() const override { return client_.timeout_ms(); }
  bool gives_up() const override { return client_.gives_up(); }
  absl::Status Explain(const absl::Status& status) const override {
    return client_.Explain(status);
  }

 private:
  KafkaClient& client_;
};

}  // namespace

std::unique_ptr<Transport> MakeKafkaTransport(KafkaClient& client) {
  return std::make_unique<KafkaTransport>(client);
}

}  // namespace streamml::log::internal
