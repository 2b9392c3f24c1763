#include "worker/log/kafka/internal/kafka_client.h"

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/status.h"
#include "worker/log/kafka/internal/ask.h"

namespace streamml::log::internal {
namespace {

constexpr int kTextSize = 512;
constexpr int kRefusedMs = 3000;

void OnError(rd_kafka_t*, int error, const char* reason, void* opaque) {
  auto* client = static_cast<KafkaClient*>(opaque);
  client->NoteError(
      absl::StrCat(rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(error)), ": ", reason));
}

// What went wrong last has to do with who this is, or who the brokers are.
bool IsRefused(const std::string& error) {
  return absl::StrContains(error, "_AUTHENTICATION") || absl::StrContains(error, "_SSL") ||
         absl::StrContains(error, "SASL_AUTHENTICATION_FAILED");
}

void OnTokenWanted(rd_kafka_t* handle, const char*, void* opaque) {
  const auto token = static_cast<KafkaClient*>(opaque)->options().token();
  std::array<char, kTextSize> text{};
  if (!token.ok()) {
    rd_kafka_oauthbearer_set_token_failure(handle, std::string(token.status().message()).c_str());
  } else if (rd_kafka_oauthbearer_set_token(handle, token->text.c_str(), token->end_ms,
                                            token->principal.c_str(), nullptr, 0, text.data(),
                                            text.size()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_oauthbearer_set_token_failure(handle, text.data());
  }
}

// librdkafka's own lines: what matters comes through OnError.
void OnLog(const rd_kafka_t*, int, const char*, const char*) {}

absl::Status Check(const rd_kafka_error_t* error, std::string_view what) {
  if (error == nullptr) return absl::OkStatus();
  return ToStatus(rd_kafka_error_code(error), what);
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaClient>> KafkaClient::Connect(KafkaOptions options) {
  std::unique_ptr<KafkaClient> client(new KafkaClient(std::move(options)));
  auto consumer = std::make_unique<SharedConsumer>();
  ASSIGN_OR_RETURN(consumer->handle, client->MakeConsumer());
  rd_kafka_t* handle = consumer->handle.get();
  {
    const MutexLock lock(client->mutex_);
    client->consumers_.push_back(std::move(consumer));
  }
  std::unique_ptr<char, Destroyer<free>> id;
  for (int waited = 0; id == nullptr && waited < client->timeout_ms() && !client->gives_up();
       waited += kSliceMs) {
    id.reset(rd_kafka_clusterid(handle, kSliceMs));
    rd_kafka_poll(handle, 0);  // what goes wrong is told here only
    // Who is refused is refused again.
    if (waited >= kRefusedMs && IsRefused(client->last_error())) break;
  }
  if (id == nullptr) {
    return client->Explain(absl::UnavailableError(absl::StrCat(
        "cluster '", client->options_.name, "': no broker of '", client->options_.brokers,
        "' answered within ", client->timeout_ms() / 1000, " s")));
  }
  return client;
}

absl::StatusOr<ConfHandle> KafkaClient::MakeConf(const Settings& more) const {
  ConfHandle conf(rd_kafka_conf_new());
  Settings settings = {{"bootstrap.servers", options_.brokers},
                       {"client.id", options_.client_id},
                       {"allow.auto.create.topics", "false"},
                       {"reconnect.backoff.ms", "20"},
                       {"reconnect.backoff.max.ms", "1000"},
                       {"retry.backoff.ms", "10"},
                       {"socket.nagle.disable", "true"},
                       {"topic.metadata.refresh.interval.ms", "30000"},
                       {"log_level", "3"}};
  settings.insert(settings.end(), options_.security.begin(), options_.security.end());
  settings.insert(settings.end(), more.begin(), more.end());
  std::array<char, kTextSize> text{};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), text.data(), text.size()) !=
        RD_KAFKA_CONF_OK) {
      // The library's text may quote the value, which may be a secret.
      return absl::InvalidArgumentError(
          absl::StrCat("cluster '", options_.name, "': setting ", name, " is not usable"));
    }
  }
  rd_kafka_conf_set_opaque(conf.get(), const_cast<KafkaClient*>(this));
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  rd_kafka_conf_enable_sasl_queue(conf.get(), 1);
  if (options_.token) rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf.get(), OnTokenWanted);
  return conf;
}

absl::StatusOr<KafkaHandle> KafkaClient::MakeConsumer() {
  ASSIGN_OR_RETURN(ConfHandle conf, MakeConf({{"isolation.level", "read_committed"},
                                              {"enable.partition.eof", "true"},
                                              {"auto.offset.reset", "error"},
                                              {"enable.auto.commit", "false"},
                                              {"check.crcs", "true"},
                                              {"fetch.wait.max.ms", "20"},
                                              {"fetch.queue.backoff.ms", "10"},
                                              {"fetch.error.backoff.ms", "50"},
                                              {"fetch.message.max.bytes", "4194304"},
                                              {"queued.max.messages.kbytes", "16384"}}));
  return MakeHandle(RD_KAFKA_CONSUMER, std::move(conf));
}

absl::StatusOr<KafkaHandle> KafkaClient::MakeHandle(rd_kafka_type_t type, ConfHandle conf) const {
  std::array<char, kTextSize> text{};
  KafkaHandle handle(rd_kafka_new(type, conf.get(), text.data(), text.size()));
  if (handle == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("cluster '", options_.name, "': ", text.data()));
  }
  conf.release();  // NOLINT(bugprone-unused-return-value): the handle owns it now
  // Without a queue for it, because the mechanism needs none, this is an error that says nothing.
  if (rd_kafka_error_t* error = rd_kafka_sasl_background_callbacks_enable(handle.get())) {
    rd_kafka_error_destroy(error);
  }
  return handle;
}

rd_kafka_t* KafkaClient::any() {
  const MutexLock lock(mutex_);
  return consumers_.front()->handle.get();
}

absl::StatusOr<SharedConsumer*> KafkaClient::TakeConsumer(const std::string& topic,
                                                          uint32_t partition) {
  const MutexLock lock(mutex_);
  for (const std::unique_ptr<SharedConsumer>& consumer : consumers_) {
    if (consumer->open.emplace(topic, partition).second) return consumer.get();
  }
  auto consumer = std::make_unique<SharedConsumer>();
  ASSIGN_OR_RETURN(consumer->handle, MakeConsumer());
  consumer->open.emplace(topic, partition);
  consumers_.push_back(std::move(consumer));
  return consumers_.back().get();
}

void KafkaClient::GiveBack(SharedConsumer* consumer, const std::string& topic, uint32_t partition) {
  const MutexLock lock(mutex_);
  consumer->open.erase({topic, partition});
}

absl::StatusOr<TopicDescription> KafkaClient::Describe(const std::string& topic) {
  const char* name = topic.c_str();
  rd_kafka_t* handle = any();
  const std::unique_ptr<rd_kafka_TopicCollection_t, Destroyer<rd_kafka_TopicCollection_destroy>>
      topics(rd_kafka_TopicCollection_of_topic_names(&name, 1));
  const std::string what = absl::StrCat("topic '", topic, "' of cluster '", options_.name, "'");
  auto event = Ask(*this, handle, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, what,
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DescribeTopics(handle, topics.get(), options, queue);
                   });
  if (!event.ok()) return Explain(event.status());
  size_t count = 0;
  const rd_kafka_TopicDescription_t** descriptions = rd_kafka_DescribeTopics_result_topics(
      rd_kafka_event_DescribeTopics_result(event->get()), &count);
  if (count != 1) return absl::InternalError(absl::StrCat(what, ": ", count, " descriptions"));
  RETURN_IF_ERROR(Check(rd_kafka_TopicDescription_error(descriptions[0]), what));
  TopicDescription description;
  size_t num_partitions = 0;
  rd_kafka_TopicDescription_partitions(descriptions[0], &num_partitions);
  description.num_partitions = static_cast<uint32_t>(num_partitions);
  if (const rd_kafka_Uuid_t* id = rd_kafka_TopicDescription_topic_id(descriptions[0])) {
    description.id = rd_kafka_Uuid_base64str(id);
  }
  const std::unique_ptr<char, Destroyer<free>> cluster(rd_kafka_clusterid(handle, timeout_ms()));
  if (cluster != nullptr) description.cluster = cluster.get();
  return description;
}

absl::StatusOr<int> KafkaClient::CountBrokers() {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(any(), /*all_topics=*/0, nullptr, &metadata, timeout_ms());
  RETURN_IF_ERROR(Explain(ToStatus(error, absl::StrCat("cluster '", options_.name, "'"))));
  const int count = metadata->broker_cnt;
  rd_kafka_metadata_destroy(metadata);
  return count;
}

absl::StatusOr<std::vector<std::string>> KafkaClient::ListTopics() {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(any(), /*all_topics=*/1, nullptr, &metadata, timeout_ms());
  RETURN_IF_ERROR(Explain(ToStatus(error, absl::StrCat("cluster '", options_.name, "'"))));
  std::vector<std::string> names;
  for (const rd_kafka_metadata_topic_t& topic :
       absl::MakeSpan(metadata->topics, static_cast<size_t>(metadata->topic_cnt))) {
    names.emplace_back(topic.topic);
  }
  rd_kafka_metadata_destroy(metadata);
  return names;
}

absl::StatusOr<std::vector<std::string>> KafkaClient::ReadSettings(
    const std::string& topic, const std::vector<std::string>& names) {
  rd_kafka_t* handle = any();
  const ConfigResourceHandle resource(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  rd_kafka_ConfigResource_t* resources = resource.get();
  const std::string what = absl::StrCat("settings of topic '", topic, "'");
  auto event = Ask(*this, handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, what,
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DescribeConfigs(handle, &resources, 1, options, queue);
                   });
  if (!event.ok()) return Explain(event.status());
  size_t count = 0;
  const rd_kafka_ConfigResource_t** results = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  if (count != 1) return absl::InternalError(absl::StrCat(what, ": ", count, " answers"));
  RETURN_IF_ERROR(ToStatus(rd_kafka_ConfigResource_error(results[0]), what));
  size_t num_entries = 0;
  const rd_kafka_ConfigEntry_t** entries =
      rd_kafka_ConfigResource_configs(results[0], &num_entries);
  std::vector<std::string> values(names.size());
  for (size_t i = 0; i < num_entries; ++i) {
    const auto found = std::find(names.begin(), names.end(), rd_kafka_ConfigEntry_name(entries[i]));
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    if (found != names.end() && value != nullptr) {
      values[static_cast<size_t>(found - names.begin())] = value;
    }
  }
  return values;
}

absl::Status KafkaClient::CreateTopic(const std::string& topic, uint32_t num_partitions,
                                      int replication, const Settings& settings) {
  rd_kafka_t* handle = any();
  std::array<char, kTextSize> text{};
  const NewTopicHandle wanted(rd_kafka_NewTopic_new(topic.c_str(), static_cast<int>(num_partitions),
                                                    replication, text.data(), text.size()));
  if (wanted == nullptr) return absl::InvalidArgumentError(text.data());
  for (const auto& [name, value] : settings) {
    rd_kafka_NewTopic_set_config(wanted.get(), name.c_str(), value.c_str());
  }
  rd_kafka_NewTopic_t* topics = wanted.get();
  const std::string what = absl::StrCat("creating topic '", topic, "'");
  auto event = Ask(*this, handle, RD_KAFKA_ADMIN_OP_CREATETOPICS, what,
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_CreateTopics(handle, &topics, 1, options, queue);
                   });
  if (!event.ok()) return Explain(event.status());
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const char* reason = rd_kafka_topic_result_error_string(results[i]);
    return ToStatus(error, reason == nullptr ? what : absl::StrCat(what, ": ", reason));
  }
  return absl::OkStatus();
}

std::string KafkaClient::last_error() const {
  const MutexLock lock(mutex_);
  const int64_t age_us = SystemClock().MonotonicMicroseconds() - last_error_us_;
  return age_us < 2'000 * int64_t{timeout_ms()} ? last_error_ : "";
}

void KafkaClient::NoteError(std::string text) {
  const MutexLock lock(mutex_);
  last_error_ = std::move(text);
  last_error_us_ = SystemClock().MonotonicMicroseconds();
}

absl::Status KafkaClient::Explain(const absl::Status& status) const {
  const std::string error = last_error();
  if (status.ok() || !absl::IsUnavailable(status) || error.empty()) return status;
  // What authentication said is the cause, not that nobody answered.
  return {IsRefused(error) ? absl::StatusCode::kPermissionDenied : status.code(),
          absl::StrCat(std::string(status.message()), "; the last thing that went wrong: ", error)};
}

}  // namespace streamml::log::internal
