// The Kafka clusters of a manifest, connected when they are first needed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "proto/streamml/job/v1/job.pb.h"
#include "worker/log/kafka/kafka_cluster.h"
#include "worker/log/kafka/kafka_log.h"
#include "worker/plan/plan.h"

namespace streamml::cli {

// Thread-safe.
class Clusters {
 public:
  // Copies what it needs of the manifest.
  explicit Clusters(const job::v1::StreamMLJob& job);

  // Reads credentials and connects, the first time. NOT_FOUND for a name that is not in the
  // manifest; INVALID_ARGUMENT for credentials that cannot be read here; errors as
  // KafkaCluster::Connect.
  absl::StatusOr<log::KafkaCluster*> Get(const std::string& name);

 private:
  const std::vector<job::v1::Cluster> clusters_;
  const std::string group_;
  Mutex mutex_;
  std::map<std::string, std::unique_ptr<log::KafkaCluster>> connected_ ABSL_GUARDED_BY(mutex_);
};

// How librdkafka is told to reach a cluster. Secrets are read from files and the environment; one
// that stands in a Kubernetes Secret is INVALID_ARGUMENT, because only a pod can see it.
absl::StatusOr<log::KafkaOptions> OptionsOf(const job::v1::Cluster& cluster);

// The value, without a newline at its end, as OptionsOf reads it; `path` is where the manifest says
// so.
absl::StatusOr<std::string> ReadSecret(const job::v1::ValueFrom& from, std::string_view path);

// Consumer group whose offsets show people how far the job has read:
// streamml.<namespace>.<name>.
std::string GroupOf(const job::v1::StreamMLJob& job);

// The log of a job whose plan names a cluster for it.
log::KafkaLogOptions KafkaLogOptionsOf(const plan::JobPlan& plan);

}  // namespace streamml::cli
