#include "worker/log/kafka/internal/kafka_transport.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/log/kafka/internal/partition_stream.h"
#include "worker/log/kafka/internal/producer.h"

namespace streamml::log::internal {
namespace {

int64_t ToKafka(uint64_t offset) {
  return offset == Transport::kFirstKept ? RD_KAFKA_OFFSET_BEGINNING : static_cast<int64_t>(offset);
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
  KafkaStream(KafkaClient& client, std::unique_ptr<PartitionStream> stream, std::string topic,
              uint32_t partition, uint64_t offset)
      : client_(client),
        stream_(std::move(stream)),
        topic_(std::move(topic)),
        partition_(partition),
        next_(offset) {}
  absl::StatusOr<std::optional<InMessage>> Next() override { return Take(stream_->Next()); }
  absl::StatusOr<std::optional<InMessage>> Wait(int timeout_ms) override {
    return Take(stream_->Wait(timeout_ms));
  }
  bool at_end() const override { return stream_->at_end(); }
  bool has_passed_start() const override { return stream_->has_passed_start(); }
  absl::Status Seek(uint64_t offset) override {
    next_ = offset;
    return stream_->Seek(ToKafka(offset));
  }
  std::optional<uint64_t> num_unread() const override { return stream_->num_unread(); }

 private:
  absl::StatusOr<std::optional<InMessage>> Take(
      const absl::StatusOr<const rd_kafka_message_t*>& message) {
    if (!message.ok()) return Explain(message.status());
    std::optional<InMessage> taken = ToMessage(*message);
    if (taken.has_value()) next_ = taken->offset + 1;
    return taken;
  }

  // Brokers say of an offset that it is out of range, and not at which end.
  absl::Status Explain(const absl::Status& status) const {
    if (!absl::IsDataLoss(status) || next_ == Transport::kFirstKept) return status;
    const absl::StatusOr<KeptOffsets> kept = client_.FindOffsets(topic_, partition_);
    RETURN_IF_ERROR(kept.status());
    if (kept->begin <= next_) return status;
    return absl::OutOfRangeError(absl::StrCat("partition ", partition_, " of topic '", topic_,
                                              "' is kept from offset ", kept->begin,
                                              " on, and offset ", next_, " is wanted"));
  }

  KafkaClient& client_;
  std::unique_ptr<PartitionStream> stream_;
  const std::string topic_;
  const uint32_t partition_;
  uint64_t next_;  // offset of the next message, or where it begins
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
    return std::make_unique<KafkaStream>(client_, std::move(stream), topic, partition, offset);
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
  absl::StatusOr<KeptOffsets> FindOffsets(const std::string& topic, uint32_t partition) override {
    return client_.FindOffsets(topic, partition);
  }
  absl::Status DeleteBefore(const std::vector<PartitionCut>& cuts) override {
    return client_.DeleteBefore(cuts);
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
