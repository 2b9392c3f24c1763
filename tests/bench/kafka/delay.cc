#include "tests/bench/kafka/delay.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/kafka/client.h"

namespace streamml::bench {
namespace {

using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                   kafka::Destroyer<rd_kafka_topic_partition_list_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, kafka::Destroyer<rd_kafka_queue_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, kafka::Destroyer<rd_kafka_message_destroy>>;
using Steady = std::chrono::steady_clock;

constexpr int kPollMs = 50;
constexpr int64_t kLookEveryRows = 64;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// When measured rows were appended and could be read; -1: not yet. Each of the two lists has one
// writer.
struct Moments {
  int64_t first = 0;
  std::vector<int64_t> appended_ms;
  std::vector<int64_t> readable_ms;
  std::atomic<int64_t> num_readable = 0;
  std::atomic<int64_t> num_markers = 0;
  std::atomic<bool> counts_markers = false;

  bool Holds(int64_t number) const {
    return number >= first && number < first + static_cast<int64_t>(appended_ms.size());
  }
};

// Reads the sink from its end on, in a thread of its own.
class SinkReader {
 public:
  SinkReader(Moments& moments, std::string topic) : moments_(moments), topic_(std::move(topic)) {}
  ~SinkReader() { Stop(); }

  absl::Status Start(const std::string& brokers) {
    absl::StatusOr<kafka::Conf> conf = kafka::MakeConf({{"bootstrap.servers", brokers},
                                                        {"group.id", "bench-delay"},
                                                        {"isolation.level", "read_committed"},
                                                        {"enable.auto.commit", "false"},
                                                        {"auto.offset.reset", "latest"},
                                                        {"fetch.wait.max.ms", "10"},
                                                        {"fetch.queue.backoff.ms", "1"}});
    if (!conf.ok()) return conf.status();
    absl::StatusOr<kafka::Client> client = kafka::MakeClient(RD_KAFKA_CONSUMER, *std::move(conf));
    if (!client.ok()) return client.status();
    client_ = *std::move(client);
    const absl::StatusOr<int> count = kafka::NumPartitions(client_.get(), topic_);
    if (!count.ok()) return count.status();
    const Partitions partitions(rd_kafka_topic_partition_list_new(*count));
    for (int i = 0; i < *count; ++i) {
      rd_kafka_topic_partition_list_add(partitions.get(), topic_.c_str(), i)->offset =
          RD_KAFKA_OFFSET_END;
    }
    const rd_kafka_resp_err_t error = rd_kafka_assign(client_.get(), partitions.get());
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka::Failed("assign", error);
    thread_ = std::thread([this] { Read(); });
    return absl::OkStatus();
  }

  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    if (client_ != nullptr) rd_kafka_consumer_close(client_.get());
    client_.reset();
  }

 private:
  void Read() {
    const Queue queue(rd_kafka_queue_get_consumer(client_.get()));
    std::array<rd_kafka_message_t*, 1000> batch{};
    while (!stop_) {
      const ssize_t count =
          rd_kafka_consume_batch_queue(queue.get(), kPollMs, batch.data(), batch.size());
      const int64_t now_ms = NowMs();
      for (ssize_t i = 0; i < count; ++i) {
        const Message message(batch[static_cast<size_t>(i)]);
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) Take(*message, now_ms);
      }
    }
  }

  // A gap between offsets is the marker of a transaction.
  void Take(const rd_kafka_message_t& message, int64_t now_ms) {
    auto [next, is_new] = next_offsets_.try_emplace(message.partition, message.offset);
    if (moments_.counts_markers) moments_.num_markers += message.offset - next->second;
    next->second = message.offset + 1;
    const int64_t number = NumberOf(static_cast<const char*>(message.payload), message.len);
    if (!moments_.Holds(number)) return;
    int64_t& readable = moments_.readable_ms[static_cast<size_t>(number - moments_.first)];
    if (readable >= 0) return;
    readable = now_ms;
    ++moments_.num_readable;
  }

  Moments& moments_;
  const std::string topic_;
  kafka::Client client_;
  std::map<int32_t, int64_t> next_offsets_;
  std::thread thread_;
  std::atomic<bool> stop_ = false;
};

// Sends rows at the rate until `count` are sent, or until `done`, asked now and then, says so.
template <typename Done>
absl::Status SendAtRate(Sender& sender, const DelayOptions& options, int64_t first, int64_t count,
                        Done done) {
  const auto start = Steady::now();
  for (int64_t i = 0; i < count; ++i) {
    const auto due =
        start + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(
                    static_cast<double>(i) / options.rows_per_second));
    while (Steady::now() < due) sender.Poll(1);
    absl::Status status = sender.Send(first + i);
    if (!status.ok()) return status;
    if (i % kLookEveryRows != 0) continue;
    sender.Poll(0);
    if (done()) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<DelayResult> Judge(const Moments& moments) {
  DelayResult result;
  for (size_t i = 0; i < moments.appended_ms.size(); ++i) {
    if (moments.appended_ms[i] < 0) {
      return absl::FailedPreconditionError(
          "the source's topic does not keep the time of the broker: message.timestamp.type must "
          "be LogAppendTime");
    }
    if (moments.readable_ms[i] < 0) continue;
    result.delays_ms.push_back(moments.readable_ms[i] - moments.appended_ms[i]);
  }
  std::sort(result.delays_ms.begin(), result.delays_ms.end());
  result.num_sent = static_cast<int64_t>(moments.appended_ms.size());
  result.num_markers = moments.num_markers;
  return result;
}

}  // namespace

absl::StatusOr<DelayResult> MeasureDelay(const DelayOptions& options) {
  const auto rows = [&options](double seconds) {
    return static_cast<int64_t>(seconds * options.rows_per_second);
  };
  Moments moments;
  moments.first = options.first + rows(options.warm_seconds);
  moments.appended_ms.assign(static_cast<size_t>(rows(options.seconds)), -1);
  moments.readable_ms = moments.appended_ms;
  absl::StatusOr<std::unique_ptr<Sender>> sender =
      Sender::Make(options.sender, [&moments](int64_t number, int64_t time_ms) {
        if (moments.Holds(number)) {
          moments.appended_ms[static_cast<size_t>(number - moments.first)] = time_ms;
        }
      });
  if (!sender.ok()) return sender.status();
  SinkReader reader(moments, options.sink);
  absl::Status status = reader.Start(options.sender.brokers);
  const auto never = [] { return false; };
  if (status.ok()) {
    status = SendAtRate(**sender, options, options.first, rows(options.warm_seconds), never);
  }
  moments.counts_markers = true;
  const auto start = Steady::now();
  if (status.ok()) {
    status = SendAtRate(**sender, options, moments.first, rows(options.seconds), never);
  }
  const double seconds = std::chrono::duration<double>(Steady::now() - start).count();
  moments.counts_markers = false;
  if (status.ok()) {
    const auto all_there = [&moments] {
      return moments.num_readable == static_cast<int64_t>(moments.readable_ms.size());
    };
    status = SendAtRate(**sender, options, moments.first + rows(options.seconds),
                        rows(options.patience_seconds), all_there);
  }
  if (status.ok()) status = (*sender)->Finish();
  reader.Stop();
  if (!status.ok()) return status;
  absl::StatusOr<DelayResult> result = Judge(moments);
  if (result.ok()) result->seconds = seconds;
  return result;
}

}  // namespace streamml::bench
