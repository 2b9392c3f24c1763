#include "worker/cli/clusters.h"

#include <cstdlib>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/posix_disk.h"
#include "base/status.h"
#include "worker/cli/signals.h"
#include "worker/cli/token.h"

namespace streamml::cli {
namespace {

constexpr uint64_t kMaxSecretBytes = 1 << 20;

using Settings = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<log::KafkaToken> TokenFrom(const job::v1::ValueFrom& from, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadSecret(from, path));
  return ReadToken(text, absl::ToUnixMillis(absl::Now()));
}

// A token that is in a file, or one that librdkafka asks the provider for.
absl::Status AddOauth(const job::v1::Oauth& oauth, const std::string& path,
                      log::KafkaOptions& options) {
  Settings& settings = options.security;
  if (oauth.has_token_from()) {
    const std::string place = absl::StrCat(path, ".tokenFrom");
    RETURN_IF_ERROR(TokenFrom(oauth.token_from(), place).status());  // now rather than later
    options.token = [from = oauth.token_from(), place] { return TokenFrom(from, place); };
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(std::string id,
                   ReadSecret(oauth.client_id_from(), absl::StrCat(path, ".clientIdFrom")));
  ASSIGN_OR_RETURN(std::string secret,
                   ReadSecret(oauth.client_secret_from(), absl::StrCat(path, ".clientSecretFrom")));
  settings.emplace_back("sasl.oauthbearer.method", "oidc");
  settings.emplace_back("sasl.oauthbearer.token.endpoint.url", oauth.token_endpoint());
  settings.emplace_back("sasl.oauthbearer.client.id", std::move(id));
  settings.emplace_back("sasl.oauthbearer.client.secret", std::move(secret));
  if (!oauth.scope().empty()) settings.emplace_back("sasl.oauthbearer.scope", oauth.scope());
  return absl::OkStatus();
}

absl::Status AddSasl(const job::v1::Sasl& sasl, const std::string& path,
                     log::KafkaOptions& options) {
  options.security.emplace_back("sasl.mechanism", sasl.mechanism());
  if (sasl.has_oauth()) return AddOauth(sasl.oauth(), absl::StrCat(path, ".oauth"), options);
  ASSIGN_OR_RETURN(std::string username,
                   ReadSecret(sasl.username_from(), absl::StrCat(path, ".usernameFrom")));
  ASSIGN_OR_RETURN(std::string password,
                   ReadSecret(sasl.password_from(), absl::StrCat(path, ".passwordFrom")));
  options.security.emplace_back("sasl.username", std::move(username));
  options.security.emplace_back("sasl.password", std::move(password));
  return absl::OkStatus();
}

absl::Status AddTls(const job::v1::Tls& tls, const std::string& path, Settings& settings) {
  struct {
    bool given;
    const job::v1::ValueFrom& from;
    const char* field;
    const char* setting;
  } const values[] = {{tls.has_ca_from(), tls.ca_from(), "caFrom", "ssl.ca.pem"},
                      {tls.has_certificate_from(), tls.certificate_from(), "certificateFrom",
                       "ssl.certificate.pem"},
                      {tls.has_key_from(), tls.key_from(), "keyFrom", "ssl.key.pem"}};
  for (const auto& value : values) {
    if (!value.given) continue;
    ASSIGN_OR_RETURN(std::string secret,
                     ReadSecret(value.from, absl::StrCat(path, ".", value.field)));
    settings.emplace_back(value.setting, std::move(secret));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadSecret(const job::v1::ValueFrom& from, std::string_view path) {
  if (from.has_secret_key_ref()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ".secretKeyRef: a Kubernetes Secret can be read in a pod only; use file "
                     "or env here"));
  }
  if (!from.env().empty()) {
    const char* value = std::getenv(from.env().c_str());
    if (value != nullptr) return std::string(value);
    return absl::InvalidArgumentError(
        absl::StrCat(path, ".env: there is no environment variable '", from.env(), "'"));
  }
  const auto file = MakePosixDisk()->OpenForRead(from.file());
  if (!file.ok()) return Annotate(file.status(), path);
  std::string value;
  RETURN_IF_ERROR(Annotate((*file)->ReadAt(0, kMaxSecretBytes, value), path));
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  return value;
}

absl::StatusOr<log::KafkaOptions> OptionsOf(const job::v1::Cluster& cluster) {
  const job::v1::Kafka& kafka = cluster.kafka();
  const std::string path = absl::StrCat("spec.clusters[", cluster.name(), "].kafka");
  log::KafkaOptions options;
  options.name = cluster.name();
  options.brokers = kafka.brokers();
  const bool tls = kafka.has_tls();
  if (kafka.has_sasl()) {
    options.security.emplace_back("security.protocol", tls ? "sasl_ssl" : "sasl_plaintext");
    RETURN_IF_ERROR(AddSasl(kafka.sasl(), absl::StrCat(path, ".sasl"), options));
  } else if (tls) {
    options.security.emplace_back("security.protocol", "ssl");
  }
  if (tls) RETURN_IF_ERROR(AddTls(kafka.tls(), absl::StrCat(path, ".tls"), options.security));
  return options;
}

std::string GroupOf(const job::v1::StreamMLJob& job) {
  const std::string& space = job.metadata().namespace_();
  return absl::StrCat("streamml.", space.empty() ? "default" : space, ".", job.metadata().name());
}

Clusters::Clusters(const job::v1::StreamMLJob& job)
    : clusters_(job.spec().clusters().begin(), job.spec().clusters().end()), group_(GroupOf(job)) {}

absl::StatusOr<log::KafkaCluster*> Clusters::Get(const std::string& name) {
  const MutexLock lock(mutex_);
  const auto known = connected_.find(name);
  if (known != connected_.end()) return known->second.get();
  for (const job::v1::Cluster& cluster : clusters_) {
    if (cluster.name() != name) continue;
    ASSIGN_OR_RETURN(log::KafkaOptions options, OptionsOf(cluster));
    options.give_up = StopOverdue;
    options.group = group_;
    ASSIGN_OR_RETURN(std::unique_ptr<log::KafkaCluster> connected,
                     log::KafkaCluster::Connect(std::move(options)));
    return (connected_[name] = std::move(connected)).get();
  }
  return absl::NotFoundError(absl::StrCat("the manifest has no cluster '", name, "'"));
}

log::KafkaLogOptions KafkaLogOptionsOf(const plan::JobPlan& plan) {
  log::KafkaLogOptions options;
  options.owner = plan.owner;
  options.num_lanes = static_cast<uint32_t>(plan.lanes.size());
  for (const plan::StagePlan& stage : plan.stages) {
    for (const lane::TopicOutput& topic : stage.spec->topics) {
      options.topics.push_back({topic.topic, topic.num_partitions});
    }
  }
  for (const auto& [topic, max_record_bytes] : plan::SinkTopics(plan)) {
    options.sinks.push_back({topic, max_record_bytes});
  }
  options.rejects = plan.reject_topics;
  return options;
}

}  // namespace streamml::cli
