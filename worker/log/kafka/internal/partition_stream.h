// Messages of one partition, in order of offset.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/log/kafka/internal/kafka_client.h"

namespace streamml::log::internal {

// One thread at a time. Rings the client's bell when messages arrive.
class PartitionStream {
 public:
  // `offset`: of the first message, or RD_KAFKA_OFFSET_BEGINNING.
  static absl::StatusOr<std::unique_ptr<PartitionStream>> Open(KafkaClient& client,
                                                               const std::string& topic,
                                                               uint32_t partition, int64_t offset);
  ~PartitionStream();

  // The next message, valid until the next call, or nullptr when none is there now. Never waits. An
  // error comes again until Seek: librdkafka tells it once, and gives nothing more.
  absl::StatusOr<const rd_kafka_message_t*> Next();
  // The same, waiting up to timeout_ms; nullptr also at the end.
  absl::StatusOr<const rd_kafka_message_t*> Wait(int timeout_ms);
  // All committed messages have been given out, as far as brokers last told.
  bool at_end() const { return at_end_; }
  // As MessageStream's.
  bool has_passed_start() const { return start_high_ >= 0 && passed_ >= start_high_; }
  absl::Status Seek(int64_t offset);
  // Offsets from the next message to the end, as far as brokers last told; nullopt: not known.
  std::optional<uint64_t> num_unread() const;

 private:
  PartitionStream(KafkaClient& client, std::string topic, uint32_t partition)
      : client_(client), topic_(std::move(topic)), partition_(partition) {}
  absl::Status Start(int64_t offset);
  void Stop();
  absl::Status Fill(int timeout_ms);
  int64_t HighOffset() const;
  void NotePassed(int64_t offset);
  std::string name() const;

  KafkaClient& client_;
  const std::string topic_;
  const uint32_t partition_;
  SharedConsumer* consumer_ = nullptr;
  TopicHandle handle_;
  QueueHandle queue_;
  std::vector<rd_kafka_message_t*> buffer_;  // owned, from next_ on
  size_t next_ = 0;
  MessageHandle current_;
  int64_t position_ = -1;  // offset of the next message; below 0: not known
  bool at_end_ = false;
  int64_t end_offset_ = -1;  // what the brokers called the end when it was reached
  int64_t start_high_ = -1;  // end of the partition, open transactions and all, at the first answer
  int64_t passed_ = -1;      // all that is committed before this has been given out
  absl::Status failure_;
};

}  // namespace streamml::log::internal
