#include "tests/kafka/drain.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace streamml::kafka {
namespace {

using Clock = std::chrono::steady_clock;
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                   Destroyer<rd_kafka_topic_partition_list_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Destroyer<rd_kafka_queue_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, Destroyer<rd_kafka_message_destroy>>;

constexpr int kPollMs = 100;

void AppendEscaped(const void* data, size_t size, std::string& out) {
  if (data == nullptr) {
    out += "\\N";
    return;
  }
  for (const char c : std::string_view(static_cast<const char*>(data), size)) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += c;
    }
  }
}

void AppendHeaders(const rd_kafka_message_t& message, std::string& out) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ",", name, "=");
    AppendEscaped(value, size, out);
  }
}

void AppendRecord(const rd_kafka_message_t& message, std::string& out) {
  rd_kafka_timestamp_type_t type;
  absl::StrAppend(&out, message.offset, "\t", rd_kafka_message_timestamp(&message, &type), "\t");
  AppendEscaped(message.key, message.key_len, out);
  out += '\t';
  AppendHeaders(message, out);
  out += '\t';
  AppendEscaped(message.payload, message.len, out);
  out += '\n';
}

// The files and how far each partition is.
class Files {
 public:
  Files(const std::filesystem::path& folder, int num_partitions)
      : counts_(num_partitions), ended_(num_partitions) {
    std::filesystem::create_directories(folder);
    for (int i = 0; i < num_partitions; ++i) {
      files_.emplace_back(folder / absl::StrCat(i, ".tsv"), std::ios::binary | std::ios::trunc);
    }
  }

  void Take(const rd_kafka_message_t& message) {
    if (ended_[message.partition])
      return;  // it goes on growing: what came after its end is not ours
    line_.clear();
    AppendRecord(message, line_);
    files_[message.partition] << line_;
    ++counts_[message.partition];
  }
  void End(int partition) { ended_[partition] = true; }
  bool all_ended() const { return std::find(ended_.begin(), ended_.end(), false) == ended_.end(); }
  absl::StatusOr<std::vector<int64_t>> Close() {
    for (std::ofstream& file : files_) {
      file.close();
      if (!file) return absl::DataLossError("a file could not be written");
    }
    return counts_;
  }

 private:
  std::vector<std::ofstream> files_;
  std::vector<int64_t> counts_;
  std::vector<bool> ended_;
  std::string line_;
};

absl::Status AssignAll(rd_kafka_t* client, const std::string& topic, int num_partitions) {
  const Partitions partitions(rd_kafka_topic_partition_list_new(num_partitions));
  for (int i = 0; i < num_partitions; ++i) {
    rd_kafka_topic_partition_list_add(partitions.get(), topic.c_str(), i)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  const rd_kafka_resp_err_t error = rd_kafka_assign(client, partitions.get());
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? absl::OkStatus() : Failed("assign", error);
}

// Errors of a connection pass or end with the patience; others, such as a deleted topic, end it at
// once.
bool Passes(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
         error == RD_KAFKA_RESP_ERR__RESOLVE || error == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

absl::Status ReadToTheEnds(rd_kafka_t* client, double patience_seconds, Files& files) {
  const Queue queue(rd_kafka_queue_get_consumer(client));
  std::array<rd_kafka_message_t*, 1000> batch{};
  auto last_progress = Clock::now();
  while (!files.all_ended()) {
    const ssize_t count =
        rd_kafka_consume_batch_queue(queue.get(), kPollMs, batch.data(), batch.size());
    rd_kafka_resp_err_t failure = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (ssize_t i = 0; i < count; ++i) {
      const Message message(batch[i]);
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        files.Take(*message);
      } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        files.End(message->partition);
      } else {
        failure = message->err;
        continue;
      }
      last_progress = Clock::now();
    }
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR && !Passes(failure)) return Failed("read", failure);
    if (Clock::now() - last_progress > std::chrono::duration<double>(patience_seconds)) {
      return absl::DeadlineExceededError(absl::StrCat("nothing came for ", patience_seconds, " s"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> Drain(const DrainOptions& options) {
  std::vector<Setting> settings = {
      {"group.id", "streamml-drain"},
      {"enable.auto.commit", "false"},
      {"enable.partition.eof", "true"},
      {"auto.offset.reset", "earliest"},
      {"fetch.wait.max.ms", "20"},
      {"fetch.queue.backoff.ms", "5"},  // 1 s by default, whenever our queue is full
      {"isolation.level", options.read_committed ? "read_committed" : "read_uncommitted"}};
  settings.insert(settings.end(), options.settings.begin(), options.settings.end());
  absl::StatusOr<Conf> conf = MakeConf(settings);
  if (!conf.ok()) return conf.status();
  absl::StatusOr<Client> client = MakeClient(RD_KAFKA_CONSUMER, *std::move(conf));
  if (!client.ok()) return client.status();
  const absl::StatusOr<int> num_partitions = NumPartitions(client->get(), options.topic);
  if (!num_partitions.ok()) return num_partitions.status();

  Files files(options.folder, *num_partitions);
  absl::Status status = AssignAll(client->get(), options.topic, *num_partitions);
  if (status.ok()) status = ReadToTheEnds(client->get(), options.patience_seconds, files);
  rd_kafka_consumer_close(client->get());
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("topic '", options.topic, "': ", status.message()));
  }
  return files.Close();
}

}  // namespace streamml::kafka
