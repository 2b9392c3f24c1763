#include "tests/bench/kafka/bare_loop.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/kafka/client.h"

namespace streamml::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                   kafka::Destroyer<rd_kafka_topic_partition_list_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, kafka::Destroyer<rd_kafka_queue_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, kafka::Destroyer<rd_kafka_message_destroy>>;
using Error = std::unique_ptr<rd_kafka_error_t, kafka::Destroyer<rd_kafka_error_destroy>>;
using Group = std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                              kafka::Destroyer<rd_kafka_consumer_group_metadata_destroy>>;

constexpr int kTimeoutMs = 30'000;
constexpr int kFullPauseMs = 10;
constexpr int kIdleWaitMs = 10;
constexpr size_t kMaxUncommittedBytes = 4 << 20;
constexpr std::chrono::milliseconds kMinInterval(10);
constexpr std::chrono::milliseconds kMaxInterval(100);

volatile std::sig_atomic_t stopping = 0;
void OnStop(int /*signal*/) { stopping = 1; }

absl::Status ToStatus(rd_kafka_error_t* error, const std::string& what) {
  const Error owned(error);
  return owned == nullptr ? absl::OkStatus()
                          : kafka::Failed(what, rd_kafka_error_code(owned.get()));
}

class BareLoop {
 public:
  absl::Status Open(const BareLoopOptions& options);
  absl::Status Run();

 private:
  absl::StatusOr<bool> Copy(int timeout_ms);
  absl::Status Produce(const rd_kafka_message_t& message);
  absl::Status CommitIfDue(bool progress);
  absl::Status Commit();

  std::string from_, to_;
  kafka::Client consumer_, producer_;
  Queue queue_;
  Partitions next_;  // where reading goes on
  std::array<rd_kafka_message_t*, 512> batch_{};
  size_t uncommitted_bytes_ = 0;
  Clock::time_point last_commit_ = Clock::now();
  Clock::duration interval_ = kMinInterval;
  int64_t num_rows_ = 0;
  int64_t num_transactions_ = 0;
};

// Settings are those of worker/log/kafka, so that the same work is done below us.
absl::Status BareLoop::Open(const BareLoopOptions& options) {
  from_ = options.from;
  to_ = options.to;
  absl::StatusOr<kafka::Conf> conf = kafka::MakeConf({{"bootstrap.servers", options.brokers},
                                                      {"group.id", "bare-loop"},
                                                      {"isolation.level", "read_committed"},
                                                      {"enable.auto.commit", "false"},
                                                      {"auto.offset.reset", "earliest"},
                                                      {"check.crcs", "true"},
                                                      {"fetch.wait.max.ms", "20"},
                                                      {"fetch.queue.backoff.ms", "10"},
                                                      {"fetch.message.max.bytes", "4194304"},
                                                      {"queued.max.messages.kbytes", "16384"}});
  if (!conf.ok()) return conf.status();
  absl::StatusOr<kafka::Client> client = kafka::MakeClient(RD_KAFKA_CONSUMER, *std::move(conf));
  if (!client.ok()) return client.status();
  consumer_ = *std::move(client);
  conf = kafka::MakeConf({{"bootstrap.servers", options.brokers},
                          {"transactional.id", "bare-loop"},
                          {"linger.ms", "0"},
                          {"acks", "all"},
                          {"compression.codec", "lz4"},
                          {"partitioner", "murmur2_random"},
                          {"batch.size", "1000000"},
                          {"queue.buffering.max.messages", "2000000"}});
  if (!conf.ok()) return conf.status();
  client = kafka::MakeClient(RD_KAFKA_PRODUCER, *std::move(conf));
  if (!client.ok()) return client.status();
  producer_ = *std::move(client);
  absl::Status status =
      ToStatus(rd_kafka_init_transactions(producer_.get(), kTimeoutMs), "init transactions");
  if (!status.ok()) return status;
  const absl::StatusOr<int> num_partitions = kafka::NumPartitions(consumer_.get(), from_);
  if (!num_partitions.ok()) return num_partitions.status();
  next_.reset(rd_kafka_topic_partition_list_new(*num_partitions));
  for (int i = 0; i < *num_partitions; ++i) {
    rd_kafka_topic_partition_list_add(next_.get(), from_.c_str(), i)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  const rd_kafka_resp_err_t error = rd_kafka_assign(consumer_.get(), next_.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka::Failed("assign", error);
  queue_.reset(rd_kafka_queue_get_consumer(consumer_.get()));
  return absl::OkStatus();
}

absl::Status BareLoop::Produce(const rd_kafka_message_t& message) {
  while (true) {
    const rd_kafka_resp_err_t error =
        rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC(to_.c_str()),
                          RD_KAFKA_V_KEY(message.key, message.key_len),
                          RD_KAFKA_V_VALUE(message.payload, message.len),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) return kafka::Failed("produce", error);
    rd_kafka_poll(producer_.get(), kFullPauseMs);
  }
}

// Whether there was something.
absl::StatusOr<bool> BareLoop::Copy(int timeout_ms) {
  const ssize_t count =
      rd_kafka_consume_batch_queue(queue_.get(), timeout_ms, batch_.data(), batch_.size());
  bool any = false;
  absl::Status status;
  for (ssize_t i = 0; i < count; ++i) {
    const Message message(batch_[static_cast<size_t>(i)]);
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR || !status.ok()) continue;  // errors pass
    if (uncommitted_bytes_ == 0 && !any) {
      status = ToStatus(rd_kafka_begin_transaction(producer_.get()), "begin");
      if (!status.ok()) continue;
    }
    any = true;
    status = Produce(*message);
    rd_kafka_topic_partition_list_find(next_.get(), from_.c_str(), message->partition)->offset =
        message->offset + 1;
    uncommitted_bytes_ += message->len;
    ++num_rows_;
  }
  rd_kafka_poll(producer_.get(), 0);
  if (!status.ok()) return status;
  return any;
}

absl::Status BareLoop::Commit() {
  const Group group(rd_kafka_consumer_group_metadata(consumer_.get()));
  absl::Status status = ToStatus(
      rd_kafka_send_offsets_to_transaction(producer_.get(), next_.get(), group.get(), kTimeoutMs),
      "offsets");
  if (status.ok())
    status = ToStatus(rd_kafka_commit_transaction(producer_.get(), kTimeoutMs), "commit");
  uncommitted_bytes_ = 0;
  ++num_transactions_;
  return status;
}

absl::Status BareLoop::CommitIfDue(bool progress) {
  const auto now = Clock::now();
  const auto wanted = progress ? interval_ : Clock::duration(kMinInterval);
  if (uncommitted_bytes_ == 0) return absl::OkStatus();
  if (now - last_commit_ < wanted && uncommitted_bytes_ < kMaxUncommittedBytes) {
    return absl::OkStatus();
  }
  last_commit_ = now;
  interval_ = std::clamp<Clock::duration>(progress ? interval_ * 2 : interval_ / 2, kMinInterval,
                                          kMaxInterval);
  return Commit();
}

absl::Status BareLoop::Run() {
  bool progress = false;
  while (stopping == 0) {
    const absl::StatusOr<bool> copied = Copy(progress || uncommitted_bytes_ > 0 ? 1 : kIdleWaitMs);
    if (!copied.ok()) return copied.status();
    progress = *copied;
    absl::Status status = CommitIfDue(progress);
    if (!status.ok()) return status;
  }
  absl::Status status = uncommitted_bytes_ > 0 ? Commit() : absl::OkStatus();
  std::printf("{\"rows\":%lld,\"transactions\":%lld}\n", static_cast<long long>(num_rows_),
              static_cast<long long>(num_transactions_));
  rd_kafka_consumer_close(consumer_.get());
  return status;
}

}  // namespace

absl::Status RunBareLoop(const BareLoopOptions& options) {
  std::signal(SIGTERM, OnStop);
  std::signal(SIGINT, OnStop);
  BareLoop loop;
  absl::Status status = loop.Open(options);
  return status.ok() ? loop.Run() : status;
}

}  // namespace streamml::bench
