#include "tests/kafka/client.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace streamml::kafka {
namespace {

constexpr int kMetadataTimeoutMs = 30'000;
using Metadata = std::unique_ptr<const rd_kafka_metadata_t, Destroyer<rd_kafka_metadata_destroy>>;
using Topic = std::unique_ptr<rd_kafka_topic_t, Destroyer<rd_kafka_topic_destroy>>;

}  // namespace

absl::Status Failed(const std::string& what, rd_kafka_resp_err_t error) {
  return absl::UnavailableError(absl::StrCat(what, ": ", rd_kafka_err2str(error)));
}

absl::StatusOr<Conf> MakeConf(const std::vector<Setting>& settings) {
  Conf conf(rd_kafka_conf_new());
  rd_kafka_conf_set(conf.get(), "log_level", "2", nullptr, 0);  // what matters is in our statuses
  std::array<char, 512> error{};
  for (const Setting& setting : settings) {
    if (rd_kafka_conf_set(conf.get(), setting.name.c_str(), setting.value.c_str(), error.data(),
                          error.size()) != RD_KAFKA_CONF_OK) {
      return absl::InvalidArgumentError(absl::StrCat("setting ", setting.name, ": ", error.data()));
    }
  }
  return conf;
}

absl::StatusOr<Client> MakeClient(rd_kafka_type_t type, Conf conf) {
  std::array<char, 512> error{};
  Client client(rd_kafka_new(type, conf.get(), error.data(), error.size()));
  if (client == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("kafka client: ", error.data()));
  }
  conf.release();  // NOLINT(bugprone-unused-return-value): the client owns it now
  return client;
}

absl::StatusOr<int> NumPartitions(rd_kafka_t* client, const std::string& topic) {
  const Topic handle(rd_kafka_topic_new(client, topic.c_str(), nullptr));
  const rd_kafka_metadata_t* answer = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(client, 0, handle.get(), &answer, kMetadataTimeoutMs);
  const Metadata metadata(answer);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Failed(absl::StrCat("topic '", topic, "'"), error);
  }
  if (metadata->topic_cnt != 1 || metadata->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR ||
      metadata->topics[0].partition_cnt == 0) {
    return absl::NotFoundError(absl::StrCat("there is no topic '", topic, "'"));
  }
  return metadata->topics[0].partition_cnt;
}

}  // namespace streamml::kafka
