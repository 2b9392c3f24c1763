// What the log needs of a cluster: the seam between its protocol and librdkafka, so that the
// simulator runs the same log on a model of Kafka.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "worker/log/commit_bell.h"
#include "worker/log/kafka/internal/kept_offsets.h"
#include "worker/log/kafka/kafka_log.h"
#include "worker/log/log.h"
#include "worker/log/topics.h"

namespace streamml::log::internal {

class AgeWatch;

// A message to write. Bytes must stay as they are until Commit returns.
struct OutMessage {
  static constexpr int32_t kByKey = -1;  // murmur2 of the key, as Kafka's own clients do
  const std::string* topic = nullptr;    // full name
  int32_t partition = 0;
  bool has_key = false;
  std::string_view key = {};
  std::string_view value = {};
  int64_t timestamp_ms = 0;  // 0, and what is later than now: now
  bool is_journal = false;   // its offset is wanted
};

struct InMessage {
  uint64_t offset = 0;
  std::string_view value;
  int64_t time_us = 0;  // when it was written; 0: not known
};

// The transactional producer of one lane: one object per ownership, thrown away after any doubt.
// One thread at a time.
class Producer {
 public:
  // Does not end what is under way: that is done by whoever takes the transactional id next.
  virtual ~Producer() = default;
  // Begins a transaction, writes, and commits. After any error the outcome is unknown and nothing
  // but destruction makes sense. ABORTED: fenced by another owner.
  virtual absl::Status Commit(absl::Span<const OutMessage> messages) = 0;
  // Offset of the last journal message that was committed.
  virtual uint64_t journal_offset() const = 0;
};

struct ProducerSpec {
  std::string transactional_id;
  int64_t transaction_timeout_ms = 0;
  std::vector<std::string> topics;  // that will be written
  size_t max_batch_bytes = 0;       // of messages that are sent together
  AgeWatch* age_watch = nullptr;    // told of the messages; outlives the producer
};

// Committed messages of one partition in order of offset. One thread at a time.
class MessageStream {
 public:
  virtual ~MessageStream() = default;
  // The next message, valid until the next call, or nullopt when none is there now. Never waits.
  virtual absl::StatusOr<std::optional<InMessage>> Next() = 0;
  // The same, waiting up to timeout_ms; nullopt also at the end.
  virtual absl::StatusOr<std::optional<InMessage>> Wait(int timeout_ms) = 0;
  // All committed messages have been given out, as far as brokers last told.
  virtual bool at_end() const = 0;
  // All has been given out that had been written, and is committed, when brokers were first asked
  // after it was opened or sought: also what came behind a transaction that was open then.
  virtual bool has_passed_start() const { return at_end(); }
  virtual absl::Status Seek(uint64_t offset) = 0;
  // Offsets from the next message to the end, as far as brokers last told; nullopt: not known.
  virtual std::optional<uint64_t> num_unread() const { return std::nullopt; }
};

// Thread-safe, except as said on what it hands out.
class Transport {
 public:
  static constexpr uint64_t kFirstKept = UINT64_MAX;
  using Settings = std::vector<std::pair<std::string, std::string>>;
  virtual ~Transport() = default;
  // Takes the transactional id, which fences whoever had it and ends what it left open.
  virtual absl::StatusOr<std::unique_ptr<Producer>> OpenProducer(const ProducerSpec& spec) = 0;
  // From this message on, which must be kept (else its Next() is OUT_OF_RANGE), or from the first
  // that is kept.
  virtual absl::StatusOr<std::unique_ptr<MessageStream>> OpenStream(const std::string& topic,
                                                                    uint32_t partition,
                                                                    uint64_t offset) = 0;

  virtual absl::StatusOr<TopicDescription> Describe(const std::string& topic) = 0;
  virtual absl::StatusOr<int> CountBrokers() = 0;
  virtual absl::StatusOr<std::vector<std::string>> ReadSettings(
      const std::string& topic, const std::vector<std::string>& names) = 0;
  virtual absl::Status CreateTopic(const std::string& topic, uint32_t num_partitions,
                                   int replication, const Settings& settings) = 0;
  virtual absl::StatusOr<KeptOffsets> FindOffsets(const std::string& topic, uint32_t partition) = 0;
  // Durable when it returns OK; after an error some may be gone. What is gone already stays so.
  virtual absl::Status DeleteBefore(const std::vector<PartitionCut>& cuts) = 0;
  virtual CommitBell& bell() = 0;
  virtual int timeout_ms() const = 0;
  // Nobody wants to wait for brokers any more.
  virtual bool gives_up() const { return false; }
  // Waits until messages have come, or the time is over.
  virtual void WaitForMessages(int timeout_ms) = 0;
  // The status with what the connections last complained about.
  virtual absl::Status Explain(const absl::Status& status) const = 0;
};

absl::StatusOr<std::unique_ptr<Log>> OpenLog(std::unique_ptr<Transport> transport,
                                             const KafkaLogOptions& options);

}  // namespace streamml::log::internal
