// The transactional producer of one lane: one object per ownership, thrown away after any doubt.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "worker/log/kafka/internal/kafka_client.h"
#include "worker/log/kafka/internal/transport.h"

namespace streamml::log::internal {

// One thread at a time.
class TransactionalProducer final : public Producer {
 public:
  // Takes the transactional id, which fences whoever had it and ends what it left open; asks for
  // the metadata of the topics, so that the first commit is as fast as the others.
  static absl::StatusOr<std::unique_ptr<TransactionalProducer>> Make(KafkaClient& client,
                                                                     const ProducerSpec& spec);
  // Does not wait for the network: librdkafka may take a second to let go.
  ~TransactionalProducer() override;

  absl::Status Commit(absl::Span<const OutMessage> messages) override;
  uint64_t journal_offset() const override { return static_cast<uint64_t>(journal_offset_); }

 private:
  // What a delivery report is told of its message.
  struct Tag {
    TransactionalProducer* producer = nullptr;
    bool is_journal = false;
  };

  TransactionalProducer(KafkaClient& client, AgeWatch* age_watch)
      : client_(client), age_watch_(age_watch) {}
  static void OnDelivery(rd_kafka_t* handle, const rd_kafka_message_t* message, void* opaque);
  absl::Status TakeId(const ProducerSpec& spec);
  absl::Status MakeHandle(const ProducerSpec& spec);
  absl::StatusOr<rd_kafka_topic_t*> FindTopic(const std::string& name);
  absl::Status Produce(const OutMessage& message, rd_kafka_topic_t* topic, int64_t timestamp_ms);
  absl::Status ProduceAll(absl::Span<const OutMessage> messages);
  absl::Status Fail(rd_kafka_error_t* error, std::string_view what) const;

  KafkaClient& client_;
  AgeWatch* const age_watch_;  // may be null
  Tag row_tag_{this, false};
  Tag journal_tag_{this, true};
  KafkaHandle handle_;
  absl::flat_hash_map<std::string, TopicHandle> topics_;  // behind handle_: they go first
  int64_t journal_offset_ = -1;
  absl::Status delivery_;  // the first message that could not be written
};

}  // namespace streamml::log::internal
