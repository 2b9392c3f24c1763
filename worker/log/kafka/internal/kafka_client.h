// Connections to one cluster: settings, consumers shared by all partitions that are read, questions
// and requests about topics.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "worker/log/commit_bell.h"
#include "worker/log/kafka/internal/handles.h"
#include "worker/log/kafka/internal/kept_offsets.h"
#include "worker/log/kafka/kafka_cluster.h"

namespace streamml::log::internal {

using Settings = std::vector<std::pair<std::string, std::string>>;

// A consumer handle and the partitions that are being read through it, each at most once.
struct SharedConsumer {
  KafkaHandle handle;
  std::set<std::pair<std::string, uint32_t>> open;
};

// Thread-safe.
class KafkaClient {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaClient>> Connect(KafkaOptions options);

  // Security and connection settings with `more` on top. INVALID_ARGUMENT names the setting.
  absl::StatusOr<ConfHandle> MakeConf(const Settings& more) const;
  // A handle with these settings. Tokens are renewed in librdkafka's own thread, whoever polls.
  absl::StatusOr<KafkaHandle> MakeHandle(rd_kafka_type_t type, ConfHandle conf) const;
  // A consumer through which the partition is not read yet; to be given back.
  absl::StatusOr<SharedConsumer*> TakeConsumer(const std::string& topic, uint32_t partition);
  void GiveBack(SharedConsumer* consumer, const std::string& topic, uint32_t partition);

  absl::StatusOr<TopicDescription> Describe(const std::string& topic);
  absl::StatusOr<int> CountBrokers();
  // All of the cluster that may be seen.
  absl::StatusOr<std::vector<std::string>> ListTopics();
  // One value of a topic's configuration for each name.
  absl::StatusOr<std::vector<std::string>> ReadSettings(const std::string& topic,
                                                        const std::vector<std::string>& names);
  // OK also when it exists already.
  absl::Status CreateTopic(const std::string& topic, uint32_t num_partitions, int replication,
                           const Settings& settings);

  absl::StatusOr<KeptOffsets> FindOffsets(const std::string& topic, uint32_t partition);
  absl::Status DeleteBefore(const std::vector<PartitionCut>& cuts);

  const KafkaOptions& options() const { return options_; }
  int timeout_ms() const { return static_cast<int>(options_.timeout_us / 1000); }
  // Nobody wants to wait for brokers any more.
  bool gives_up() const { return options_.give_up && options_.give_up(); }
  static constexpr int kSliceMs = 100;  // of waits, between two looks at gives_up
  CommitBell& bell() { return bell_; }
  // The last thing that went wrong with a connection, for messages; "" when nothing did lately.
  std::string last_error() const;
  void NoteError(std::string text);
  // The status with what the connections last complained about.
  absl::Status Explain(const absl::Status& status) const;

 private:
  explicit KafkaClient(KafkaOptions options) : options_(std::move(options)) {}
  absl::StatusOr<KafkaHandle> MakeConsumer();
  rd_kafka_t* any();  // for questions

  const KafkaOptions options_;
  CommitBell bell_;
  mutable Mutex mutex_;
  std::string last_error_ ABSL_GUARDED_BY(mutex_);
  int64_t last_error_us_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::unique_ptr<SharedConsumer>> consumers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace streamml::log::internal
