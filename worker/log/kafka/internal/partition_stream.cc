#include "worker/log/kafka/internal/partition_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::log::internal {
namespace {

constexpr size_t kBatch = 512;

// Called by librdkafka's threads when the queue is no longer empty.
void Ring(rd_kafka_t*, void* bell) { static_cast<CommitBell*>(bell)->Ring(); }

// Errors that pass: librdkafka goes on by itself.
bool IsPassing(rd_kafka_resp_err_t error) { return absl::IsUnavailable(ToStatus(error, "")); }

}  // namespace

absl::StatusOr<std::unique_ptr<PartitionStream>> PartitionStream::Open(KafkaClient& client,
                                                                       const std::string& topic,
                                                                       uint32_t partition,
                                                                       int64_t offset) {
  std::unique_ptr<PartitionStream> stream(new PartitionStream(client, topic, partition));
  ASSIGN_OR_RETURN(stream->consumer_, client.TakeConsumer(topic, partition));
  stream->handle_.reset(
      rd_kafka_topic_new(stream->consumer_->handle.get(), topic.c_str(), nullptr));
  if (stream->handle_ == nullptr) return ToStatus(rd_kafka_last_error(), stream->name());
  RETURN_IF_ERROR(stream->Start(offset));
  return stream;
}

PartitionStream::~PartitionStream() {
  Stop();
  handle_.reset();
  if (consumer_ != nullptr) client_.GiveBack(consumer_, topic_, partition_);
}

std::string PartitionStream::name() const {
  return absl::StrCat("partition ", partition_, " of topic '", topic_, "'");
}

absl::Status PartitionStream::Start(int64_t offset) {
  QueueHandle queue(rd_kafka_queue_new(consumer_->handle.get()));
  if (rd_kafka_consume_start_queue(handle_.get(), static_cast<int32_t>(partition_), offset,
                                   queue.get()) != 0) {
    return ToStatus(rd_kafka_last_error(), name());
  }
  queue_ = std::move(queue);
  rd_kafka_queue_cb_event_enable(queue_.get(), Ring, &client_.bell());
  position_ = offset;
  at_end_ = false;
  start_high_ = passed_ = -1;
  failure_ = absl::OkStatus();
  return absl::OkStatus();
}

void PartitionStream::Stop() {
  if (queue_ == nullptr) return;
  rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
  rd_kafka_consume_stop(handle_.get(), static_cast<int32_t>(partition_));
  for (; next_ < buffer_.size(); ++next_) rd_kafka_message_destroy(buffer_[next_]);
  buffer_.clear();
  next_ = 0;
  current_.reset();
  queue_.reset();
}

absl::Status PartitionStream::Seek(int64_t offset) {
  Stop();
  return Start(offset);
}

absl::Status PartitionStream::Fill(int timeout_ms) {
  if (queue_ == nullptr) return absl::InternalError(absl::StrCat(name(), ": not started"));
  buffer_.resize(kBatch);
  next_ = 0;
  const ssize_t count =
      rd_kafka_consume_batch_queue(queue_.get(), timeout_ms, buffer_.data(), buffer_.size());
  buffer_.resize(count < 0 ? 0 : static_cast<size_t>(count));
  rd_kafka_poll(consumer_->handle.get(), 0);  // errors of connections, refreshed tokens
  return absl::OkStatus();
}

// From the last answer to a fetch: nobody is asked for it.
int64_t PartitionStream::HighOffset() const {
  int64_t low = -1;
  int64_t high = -1;
  const rd_kafka_resp_err_t error = rd_kafka_get_watermark_offsets(
      consumer_->handle.get(), topic_.c_str(), static_cast<int32_t>(partition_), &low, &high);
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? high : -1;
}

// The end that is told with a transaction open is where that began; more comes when it has ended.
void PartitionStream::NotePassed(int64_t offset) {
  if (start_high_ < 0) start_high_ = HighOffset();
  passed_ = offset;
}

// Behind the last message there may be marks of transactions, and messages of one that is open:
// where the end was reached, it is known that nothing waits.
std::optional<uint64_t> PartitionStream::num_unread() const {
  const int64_t high = HighOffset();
  if (at_end_ && next_ == buffer_.size() && high <= end_offset_) return 0;
  if (high < 0 || position_ < 0) return std::nullopt;
  return high > position_ ? static_cast<uint64_t>(high - position_) : 0;
}

absl::StatusOr<const rd_kafka_message_t*> PartitionStream::Next() { return Wait(0); }

absl::StatusOr<const rd_kafka_message_t*> PartitionStream::Wait(int timeout_ms) {
  current_.reset();
  while (failure_.ok()) {
    if (next_ == buffer_.size()) RETURN_IF_ERROR(Fill(timeout_ms));
    if (next_ == buffer_.size()) return nullptr;
    current_.reset(buffer_[next_++]);
    const rd_kafka_resp_err_t error = current_->err;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      at_end_ = false;
      position_ = current_->offset + 1;
      NotePassed(position_);
      return current_.get();
    }
    if (error == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      at_end_ = true;
      end_offset_ = HighOffset();
      NotePassed(current_->offset);
      if (next_ == buffer_.size() && timeout_ms > 0) return nullptr;
      continue;
    }
    if (IsPassing(error)) continue;
    const char* reason = rd_kafka_message_errstr(current_.get());
    failure_ = ToStatus(error, absl::StrCat(name(), ": ", reason == nullptr ? "" : reason));
  }
  return failure_;
}

}  // namespace streamml::log::internal
