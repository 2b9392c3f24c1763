// Topics that others write and read: a job's sources and sinks. worker/log/kafka has them on Kafka.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace streamml::log {

struct TopicHeader {
  std::string_view name;
  bool has_value = false;
  std::string_view value;
};

// One record of a partition. Texts and headers are valid until the next call of its reader.
struct TopicRecord {
  uint64_t offset = 0;
  // Since 1970, UTC, as the producer or the broker set it; negative: there is none.
  int64_t timestamp_us = 0;
  bool has_key = false;
  bool has_value = false;  // without one it is a tombstone
  std::string_view key;
  std::string_view value;  // 64 bytes behind it are readable
  absl::Span<const TopicHeader> headers = {};
};

struct TopicDescription {
  std::string cluster;  // its id; equal for all topics of one cluster
  std::string id;       // another one when the topic was deleted and made again
  uint32_t num_partitions = 0;
};

// Committed records of one partition in order of offset, each once. One thread at a time; must not
// outlive the Topics.
class TopicReader {
 public:
  virtual ~TopicReader() = default;
  // Records that are there now, from the position on, at most `max_records` (at least 1); none when
  // none are there yet. While brokers cannot be reached there are none. DATA_LOSS when the position
  // is outside of what the partition holds, NOT_FOUND when the topic is gone, PERMISSION_DENIED.
  virtual absl::StatusOr<absl::Span<const TopicRecord>> Next(size_t max_records) = 0;
  // Goes to an offset; kBeginning is the first record that is kept.
  static constexpr uint64_t kBeginning = UINT64_MAX;
  virtual absl::Status Seek(uint64_t offset) = 0;
  // For who knows that there is a next record, because it was read before: waits a moment for it,
  // as the `attempt`-th time in a row, from 1. False: it is not on its way, or too long.
  virtual bool Await(int attempt) = 0;
  // Records behind those that Next() has given out, as far as brokers last told; more than there
  // are where the topic is compacted or written in transactions, whose marks have offsets too.
  // Nullopt: not known.
  virtual std::optional<uint64_t> num_unread() const { return std::nullopt; }
};

// Thread-safe.
class Topics {
 public:
  virtual ~Topics() = default;
  // NOT_FOUND when there is no such topic; UNAVAILABLE when no broker answers in time.
  virtual absl::StatusOr<TopicDescription> Describe(const std::string& topic) = 0;
  virtual absl::StatusOr<std::unique_ptr<TopicReader>> Open(const std::string& topic,
                                                            uint32_t partition,
                                                            uint64_t offset) = 0;
  // All before the offset was read and is committed: for tools that show people how far behind
  // somebody is. Returns at once, and nothing depends on it.
  virtual void NoteProgress(const std::string& /*topic*/, uint32_t /*partition*/,
                            uint64_t /*offset*/) {}
};

}  // namespace streamml::log
