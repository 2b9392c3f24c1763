// A Kafka cluster as a job sees it, on librdkafka.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/log/topics.h"

namespace streamml::log {

namespace internal {
class GroupConsumer;
class GroupOffsets;
class KafkaClient;
class TopicWatch;
}  // namespace internal

// A bearer token of SASL OAUTHBEARER.
struct KafkaToken {
  std::string text;
  std::string principal;  // whom it is about
  int64_t end_ms = 0;     // since 1970
};

struct KafkaOptions {
  std::string name;     // in the manifest, for messages
  std::string brokers;  // host:port, with commas between
  // TLS and SASL by librdkafka's names. Values may be secrets: they are in no message and no log.
  std::vector<std::pair<std::string, std::string>> security;
  // With mechanism OAUTHBEARER and tokens that somebody else gets: asked for one before the last
  // ends, by any thread. Empty: as `security` says.
  std::function<absl::StatusOr<KafkaToken>()> token;
  std::string client_id = "streamml";
  // Consumer group that is told how far topics have been read, at most once a second; "": none.
  std::string group;
  int64_t timeout_us = 15'000'000;  // of questions about topics
  // Asked by any thread while brokers are waited for; true: waits end soon, with UNAVAILABLE.
  std::function<bool()> give_up;
};

// Thread-safe. Reading is read_committed. Readers fail within some seconds when their topic is not
// any more what Describe said of it first.
class KafkaCluster final : public Topics {
 public:
  // UNAVAILABLE when no broker answers within the timeout; INVALID_ARGUMENT for options that
  // librdkafka refuses.
  static absl::StatusOr<std::unique_ptr<KafkaCluster>> Connect(KafkaOptions options);
  ~KafkaCluster() override;

  absl::StatusOr<TopicDescription> Describe(const std::string& topic) override;
  absl::StatusOr<std::unique_ptr<TopicReader>> Open(const std::string& topic, uint32_t partition,
                                                    uint64_t offset) override;
  void NoteProgress(const std::string& topic, uint32_t partition, uint64_t offset) override;

  internal::KafkaClient& client() { return *client_; }

 private:
  explicit KafkaCluster(std::unique_ptr<internal::KafkaClient> client);
  std::unique_ptr<internal::KafkaClient> client_;
  std::unique_ptr<internal::TopicWatch> watch_;  // of the topics that are read; uses the client
  // Null without a group; use the client and each other.
  std::unique_ptr<internal::GroupConsumer> group_consumer_;
  std::unique_ptr<internal::GroupOffsets> group_;
};

}  // namespace streamml::log
