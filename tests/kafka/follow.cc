#include "tests/kafka/follow.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace streamml::kafka {
namespace {

using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                   Destroyer<rd_kafka_topic_partition_list_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Destroyer<rd_kafka_queue_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, Destroyer<rd_kafka_message_destroy>>;

constexpr int kPollMs = 100;

absl::Status AssignAll(rd_kafka_t* client, const std::string& topic) {
  const absl::StatusOr<int> num_partitions = NumPartitions(client, topic);
  if (!num_partitions.ok()) return num_partitions.status();
  const Partitions partitions(rd_kafka_topic_partition_list_new(*num_partitions));
  for (int i = 0; i < *num_partitions; ++i) {
    rd_kafka_topic_partition_list_add(partitions.get(), topic.c_str(), i)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  const rd_kafka_resp_err_t error = rd_kafka_assign(client, partitions.get());
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? absl::OkStatus() : Failed("assign", error);
}

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool Print(const std::map<int32_t, int64_t>& last_offsets, int64_t total) {
  const double now = Now();
  for (const auto& [partition, offset] : last_offsets) {
    std::printf("%.4f %d %lld %lld\n", now, static_cast<int>(partition),
                static_cast<long long>(offset), static_cast<long long>(total));
  }
  return std::fflush(stdout) == 0;
}

}  // namespace

absl::Status Follow(const FollowOptions& options) {
  std::vector<Setting> settings = {
      {"group.id", "streamml-follow"},     {"enable.auto.commit", "false"},
      {"auto.offset.reset", "earliest"},   {"fetch.wait.max.ms", "10"},
      {"fetch.error.backoff.ms", "10"},    {"reconnect.backoff.ms", "10"},
      {"reconnect.backoff.max.ms", "100"}, {"isolation.level", "read_committed"}};
  settings.insert(settings.end(), options.settings.begin(), options.settings.end());
  absl::StatusOr<Conf> conf = MakeConf(settings);
  if (!conf.ok()) return conf.status();
  absl::StatusOr<Client> client = MakeClient(RD_KAFKA_CONSUMER, *std::move(conf));
  if (!client.ok()) return client.status();
  if (absl::Status status = AssignAll(client->get(), options.topic); !status.ok()) return status;
  const Queue queue(rd_kafka_queue_get_consumer(client->get()));
  std::array<rd_kafka_message_t*, 1000> batch{};
  int64_t total = 0;
  while (true) {
    const ssize_t count =
        rd_kafka_consume_batch_queue(queue.get(), kPollMs, batch.data(), batch.size());
    std::map<int32_t, int64_t> last_offsets;
    for (ssize_t i = 0; i < count; ++i) {
      const Message message(batch[i]);
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;  // of a connection: it passes
      last_offsets[message->partition] = message->offset;
      ++total;
    }
    if (!Print(last_offsets, total)) return absl::OkStatus();
  }
}

}  // namespace streamml::kafka
