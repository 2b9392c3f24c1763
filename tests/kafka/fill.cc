#include "tests/kafka/fill.h"

#include <simdjson.h>

#include <array>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace streamml::kafka {
namespace {

using Clock = std::chrono::steady_clock;
using simdjson::ondemand::json_type;
using simdjson::ondemand::value;

constexpr int kAdminTimeoutMs = 30'000;
constexpr int kFlushTimeoutMs = 180'000;
constexpr int kPollEveryRows = 1000;

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroyer<rd_kafka_NewTopic_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Destroyer<rd_kafka_queue_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, Destroyer<rd_kafka_event_destroy>>;

// What the broker said of the messages so far; written by the callback, in the thread that polls.
struct Deliveries {
  int64_t num_failed = 0;
  rd_kafka_resp_err_t first_error = RD_KAFKA_RESP_ERR_NO_ERROR;
};

void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  auto* deliveries = static_cast<Deliveries*>(opaque);
  if (deliveries->num_failed++ == 0) deliveries->first_error = message->err;
}

// OK also when it exists already.
absl::Status CreateTopic(rd_kafka_t* client, const std::string& topic, int num_partitions) {
  std::array<char, 512> words{};
  const NewTopic wanted(
      rd_kafka_NewTopic_new(topic.c_str(), num_partitions, -1, words.data(), words.size()));
  if (wanted == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("topic '", topic, "': ", words.data()));
  }
  const Queue queue(rd_kafka_queue_new(client));
  rd_kafka_NewTopic_t* topics[] = {wanted.get()};
  rd_kafka_CreateTopics(client, topics, 1, nullptr, queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), kAdminTimeoutMs));
  if (event == nullptr) return absl::UnavailableError("create topic: no answer");
  rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    size_t num_results = 0;
    const rd_kafka_topic_result_t** results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event.get()), &num_results);
    error = rd_kafka_topic_result_error(results[0]);
  }
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
    return absl::OkStatus();
  }
  return Failed(absl::StrCat("create topic '", topic, "'"), error);
}

// The broker may need a moment until a new topic is in its metadata.
absl::StatusOr<int> PrepareTopic(rd_kafka_t* client, const FillOptions& options) {
  if (options.num_partitions > 0) {
    absl::Status made = CreateTopic(client, options.topic, options.num_partitions);
    if (!made.ok()) return made;
  }
  absl::StatusOr<int> partitions = NumPartitions(client, options.topic);
  for (int i = 0; i < 100 && options.num_partitions > 0 && absl::IsNotFound(partitions.status());
       ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    partitions = NumPartitions(client, options.topic);
  }
  if (partitions.ok() && options.num_partitions > 0 && *partitions != options.num_partitions) {
    return absl::FailedPreconditionError(absl::StrCat("topic '", options.topic, "' has ",
                                                      *partitions, " partitions, not ",
                                                      options.num_partitions));
  }
  return partitions;
}

absl::StatusOr<int64_t> ToMilliseconds(value column) {
  int64_t milliseconds = 0;
  if (column.get_int64().get(milliseconds) == simdjson::SUCCESS) return milliseconds;
  std::string_view text;
  if (column.get_string().get(text) != simdjson::SUCCESS) {
    return absl::InvalidArgumentError("neither milliseconds nor a text");
  }
  absl::Time time;
  for (const char* format : {absl::RFC3339_full, "%Y-%m-%d %H:%M:%E*S"}) {
    std::string error;
    if (absl::ParseTime(format, absl::string_view(text.data(), text.size()), &time, &error)) {
      return absl::ToUnixMillis(time);
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("'", std::string(text), "' is no time"));
}

// Key and time of one line. Views are valid until the next call.
class RowReader {
 public:
  explicit RowReader(const FillOptions& options) : options_(options) {}

  absl::Status Read(std::string& line) {
    if (options_.key_column.empty() && options_.time_column.empty()) return absl::OkStatus();
    simdjson::ondemand::object row;
    if (parser_.iterate(line).get(document_) != simdjson::SUCCESS ||
        document_.get_object().get(row) != simdjson::SUCCESS) {
      return absl::InvalidArgumentError("not a JSON object");
    }
    absl::Status status = ReadKey(row);
    return status.ok() ? ReadTime(row) : status;
  }
  std::string_view key() const { return key_; }
  int64_t time_ms() const { return time_ms_; }

 private:
  absl::Status ReadKey(simdjson::ondemand::object& row) {
    if (options_.key_column.empty()) return absl::OkStatus();
    value column;
    json_type type;
    bool found = row.find_field_unordered(options_.key_column).get(column) == simdjson::SUCCESS &&
                 column.type().get(type) == simdjson::SUCCESS && type != json_type::null;
    if (found && type == json_type::string) {
      found = column.get_string().get(key_) == simdjson::SUCCESS;
    } else if (found) {
      found = column.raw_json().get(key_) == simdjson::SUCCESS;
      while (!key_.empty() && key_.back() == ' ') key_.remove_suffix(1);
    }
    return found ? absl::OkStatus()
                 : absl::InvalidArgumentError(absl::StrCat("no key '", options_.key_column, "'"));
  }
  absl::Status ReadTime(simdjson::ondemand::object& row) {
    if (options_.time_column.empty()) return absl::OkStatus();
    value column;
    if (row.find_field_unordered(options_.time_column).get(column) != simdjson::SUCCESS) {
      return absl::InvalidArgumentError(absl::StrCat("no time '", options_.time_column, "'"));
    }
    absl::StatusOr<int64_t> time = ToMilliseconds(column);
    if (!time.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("time '", options_.time_column, "': ", time.status().message()));
    }
    time_ms_ = *time;
    return absl::OkStatus();
  }

  const FillOptions& options_;
  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  std::string_view key_;
  int64_t time_ms_ = 0;  // 0: librdkafka takes the time of sending
};

// A full queue is waited for: the broker may be slow, or be started again. librdkafka fails the
// messages in it when message.timeout.ms has passed, so this ends.
rd_kafka_resp_err_t Send(rd_kafka_t* client, const std::string& topic, int32_t partition,
                         const RowReader& row, const std::string& line) {
  const void* key = row.key().empty() ? nullptr : row.key().data();
  while (true) {
    const rd_kafka_resp_err_t error =
        rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_KEY(const_cast<void*>(key), row.key().size()),
                          RD_KAFKA_V_VALUE(const_cast<char*>(line.data()), line.size()),
                          RD_KAFKA_V_TIMESTAMP(row.time_ms()),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) return error;
    rd_kafka_poll(client, 100);
  }
}

absl::StatusOr<FillResult> SendAll(rd_kafka_t* client, std::istream& lines, int num_partitions,
                                   const FillOptions& options, const Deliveries& deliveries) {
  FillResult result;
  RowReader row(options);
  std::string line;
  int64_t line_number = 0;
  const auto start = Clock::now();
  while (result.num_rows != options.limit_rows && deliveries.num_failed == 0 &&
         std::getline(lines, line)) {
    ++line_number;
    if (line.empty()) continue;
    if (absl::Status status = row.Read(line); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", line_number, ": ", status.message()));
    }
    if (options.rows_per_second > 0) {
      const std::chrono::duration<double> due(static_cast<double>(result.num_rows) /
                                              options.rows_per_second);
      while (Clock::now() - start < due) rd_kafka_poll(client, 1);
    }
    const int32_t partition = options.key_column.empty()
                                  ? static_cast<int32_t>(result.num_rows % num_partitions)
                                  : RD_KAFKA_PARTITION_UA;
    const rd_kafka_resp_err_t error = Send(client, options.topic, partition, row, line);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return Failed(absl::StrCat("line ", line_number), error);
    }
    ++result.num_rows;
    result.size_bytes += static_cast<int64_t>(line.size());
    if (result.num_rows % kPollEveryRows == 0) rd_kafka_poll(client, 0);
  }
  const rd_kafka_resp_err_t error = rd_kafka_flush(client, kFlushTimeoutMs);
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return Failed("waiting for acknowledgements", error);
  return result;
}

}  // namespace

absl::StatusOr<FillResult> Fill(std::istream& lines, const FillOptions& options) {
  Deliveries deliveries;
  std::vector<Setting> settings = {{"enable.idempotence", "true"},
                                   {"partitioner", "murmur2"},
                                   {"linger.ms", "5"},
                                   {"queue.buffering.max.messages", "200000"},
                                   {"message.timeout.ms", "120000"}};
  settings.insert(settings.end(), options.settings.begin(), options.settings.end());
  absl::StatusOr<Conf> conf = MakeConf(settings);
  if (!conf.ok()) return conf.status();
  rd_kafka_conf_set_dr_msg_cb(conf->get(), OnDelivery);
  rd_kafka_conf_set_opaque(conf->get(), &deliveries);
  absl::StatusOr<Client> client = MakeClient(RD_KAFKA_PRODUCER, *std::move(conf));
  if (!client.ok()) return client.status();
  const absl::StatusOr<int> num_partitions = PrepareTopic(client->get(), options);
  if (!num_partitions.ok()) return num_partitions.status();

  absl::StatusOr<FillResult> result =
      SendAll(client->get(), lines, *num_partitions, options, deliveries);
  if (!result.ok())
    rd_kafka_purge(client->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  if (result.ok() && deliveries.num_failed > 0) {
    return Failed(absl::StrCat(deliveries.num_failed, " rows were not acknowledged"),
                  deliveries.first_error);
  }
  return result;
}

}  // namespace streamml::kafka
