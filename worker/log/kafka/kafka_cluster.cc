#include "worker/log/kafka/kafka_cluster.h"

#include <utility>

#include "base/status.h"
#include "worker/log/kafka/internal/group_consumer.h"
#include "worker/log/kafka/internal/group_offsets.h"
#include "worker/log/kafka/internal/kafka_client.h"
#include "worker/log/kafka/internal/partition_stream.h"
#include "worker/log/kafka/internal/topic_watch.h"

namespace streamml::log {
namespace {

using internal::PartitionStream;

constexpr int64_t kWatchIntervalUs = 3'000'000;
constexpr int64_t kGroupIntervalUs = 1'000'000;

int64_t ToKafka(uint64_t offset) {
  return offset == TopicReader::kBeginning ? RD_KAFKA_OFFSET_BEGINNING
                                           : static_cast<int64_t>(offset);
}

class KafkaTopicReader final : public TopicReader {
 public:
  KafkaTopicReader(internal::KafkaClient& client, const internal::TopicWatch& watch,
                   std::string topic, std::unique_ptr<PartitionStream> stream)
      : client_(client), watch_(watch), topic_(std::move(topic)), stream_(std::move(stream)) {}

  absl::StatusOr<absl::Span<const TopicRecord>> Next(size_t max_records) override {
    // Texts must live until the next call, and messages live only until the next one.
    bytes_.clear();
    records_.clear();
    places_.clear();
    headers_.clear();
    header_places_.clear();
    RETURN_IF_ERROR(watch_.Look(topic_));
    while (records_.size() < max_records) {
      auto message = stream_->Next();
      // What came before an error is given out first; the error comes again.
      if (!message.ok() && records_.empty()) return message.status();
      if (!message.ok() || *message == nullptr) break;
      Append(**message);
    }
    for (size_t i = 0; i < headers_.size(); ++i) {
      const HeaderPlace& place = header_places_[i];
      headers_[i].name = std::string_view(bytes_).substr(place.name, place.name_size);
      headers_[i].value =
          std::string_view(bytes_).substr(place.name + place.name_size, place.value_size);
    }
    for (size_t i = 0; i < records_.size(); ++i) {
      const Place& place = places_[i];
      records_[i].key = std::string_view(bytes_).substr(place.key, place.key_size);
      records_[i].value = std::string_view(bytes_).substr(place.value, place.value_size);
      records_[i].headers = absl::MakeConstSpan(headers_).subspan(place.header, place.num_headers);
    }
    return absl::MakeConstSpan(records_);
  }

  absl::Status Seek(uint64_t offset) override { return stream_->Seek(ToKafka(offset)); }
  std::optional<uint64_t> num_unread() const override { return stream_->num_unread(); }
  bool Await(int attempt) override {
    if (attempt * kStepMs > client_.timeout_ms()) return false;
    client_.bell().Wait(client_.bell().version(), int64_t{kStepMs} * 1000);
    return true;
  }

 private:
  struct Place {
    size_t key = 0;
    size_t key_size = 0;
    size_t value = 0;
    size_t value_size = 0;
    size_t header = 0;
    size_t num_headers = 0;
  };
  struct HeaderPlace {
    size_t name = 0;  // the value follows it
    size_t name_size = 0;
    size_t value_size = 0;
  };
  static constexpr int kStepMs = 10;
  static constexpr size_t kPadding = 64;  // parsers may look at bytes behind a record

  void Append(const rd_kafka_message_t& message) {
    TopicRecord record;
    record.offset = static_cast<uint64_t>(message.offset);
    rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    record.timestamp_us = rd_kafka_message_timestamp(&message, &type) * 1000;
    record.has_key = message.key != nullptr;
    record.has_value = message.payload != nullptr;
    Place place{bytes_.size(),
                record.has_key ? message.key_len : 0,
                0,
                record.has_value ? message.len : 0,
                headers_.size(),
                0};
    if (record.has_key) bytes_.append(static_cast<const char*>(message.key), message.key_len);
    place.value = bytes_.size();
    if (record.has_value) bytes_.append(static_cast<const char*>(message.payload), message.len);
    bytes_.append(kPadding, '\0');
    place.num_headers = AppendHeaders(message);
    places_.push_back(place);
    records_.push_back(record);
  }

  // Their number.
  size_t AppendHeaders(const rd_kafka_message_t& message) {
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    size_t count = 0;
    while (rd_kafka_header_get_all(headers, count, &name, &value, &size) ==
           RD_KAFKA_RESP_ERR_NO_ERROR) {
      const std::string_view text(name);
      header_places_.push_back({bytes_.size(), text.size(), value == nullptr ? 0 : size});
      headers_.push_back({{}, value != nullptr, {}});
      bytes_.append(text);
      if (value != nullptr) bytes_.append(static_cast<const char*>(value), size);
      ++count;
    }
    return count;
  }

  internal::KafkaClient& client_;
  const internal::TopicWatch& watch_;
  const std::string topic_;
  std::unique_ptr<PartitionStream> stream_;
  std::string bytes_;
  std::vector<TopicRecord> records_;
  std::vector<Place> places_;
  std::vector<TopicHeader> headers_;
  std::vector<HeaderPlace> header_places_;
};

}  // namespace

KafkaCluster::KafkaCluster(std::unique_ptr<internal::KafkaClient> client)
    : client_(std::move(client)),
      watch_(std::make_unique<internal::TopicWatch>(
          [this](const std::string& topic) { return client_->Describe(topic); },
          kWatchIntervalUs)) {
  if (client_->options().group.empty()) return;
  group_consumer_ = std::make_unique<internal::GroupConsumer>(*client_);
  group_ = std::make_unique<internal::GroupOffsets>(
      [this](const internal::PartitionOffsets& offsets) {
        return group_consumer_->Commit(offsets);
      },
      kGroupIntervalUs);
}
KafkaCluster::~KafkaCluster() = default;

absl::StatusOr<std::unique_ptr<KafkaCluster>> KafkaCluster::Connect(KafkaOptions options) {
  ASSIGN_OR_RETURN(std::unique_ptr<internal::KafkaClient> client,
                   internal::KafkaClient::Connect(std::move(options)));
  return std::unique_ptr<KafkaCluster>(new KafkaCluster(std::move(client)));
}

absl::StatusOr<TopicDescription> KafkaCluster::Describe(const std::string& topic) {
  absl::StatusOr<TopicDescription> description = client_->Describe(topic);
  if (description.ok()) watch_->Remember(topic, *description);
  return description;
}

void KafkaCluster::NoteProgress(const std::string& topic, uint32_t partition, uint64_t offset) {
  if (group_ != nullptr) group_->Note(topic, partition, offset);
}

absl::StatusOr<std::unique_ptr<TopicReader>> KafkaCluster::Open(const std::string& topic,
                                                                uint32_t partition,
                                                                uint64_t offset) {
  ASSIGN_OR_RETURN(std::unique_ptr<PartitionStream> stream,
                   PartitionStream::Open(*client_, topic, partition, ToKafka(offset)));
  watch_->Add(topic);
  return std::make_unique<KafkaTopicReader>(*client_, *watch_, topic, std::move(stream));
}

}  // namespace streamml::log
