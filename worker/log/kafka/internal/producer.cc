#include "worker/log/kafka/internal/producer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/status.h"
#include "worker/log/kafka/internal/age_watch.h"

namespace streamml::log::internal {
namespace {

constexpr int kMaxMessageBytes = 16 << 20;
constexpr int kInitTimeoutMs = 15'000;
constexpr int kCommitTimeoutMs = 15'000;
constexpr int kAskMs = 30;     // until brokers have answered who takes an id
constexpr int kMostFresh = 8;  // producers that ask one after the other
constexpr int kMetadataSliceMs = 1000;
constexpr int kTimesUnknown = 10;  // brokers that are behind do not know a new topic
constexpr int kUnknownPauseMs = 200;

struct Slices {
  int all_ms = 0;
  int each_ms = KafkaClient::kSliceMs;
};

// Calls of librdkafka that end with an error that may be retried, be it that the time is over or
// what went wrong last, go on when they are made again. null, or the last error: when the time is
// over, or there is one that `is_final`.
template <typename Call, typename IsFinal>
rd_kafka_error_t* CallInSlices(const KafkaClient& client, Slices slices, Call call,
                               IsFinal is_final) {
  Clock& clock = SystemClock();
  const int64_t end = clock.MonotonicMicroseconds() + int64_t{slices.all_ms} * 1000;
  while (true) {
    const int64_t slice_end = clock.MonotonicMicroseconds() + int64_t{slices.each_ms} * 1000;
    rd_kafka_error_t* error = call(slices.each_ms);
    if (error == nullptr || rd_kafka_error_is_retriable(error) == 0 || is_final(error) ||
        client.gives_up() || clock.MonotonicMicroseconds() >= end) {
      return error;
    }
    rd_kafka_error_destroy(error);
    const int64_t left = slice_end - clock.MonotonicMicroseconds();
    if (left > 0) std::this_thread::sleep_for(std::chrono::microseconds(left));
  }
}

bool Never(const rd_kafka_error_t*) { return false; }

// Brokers still end the transaction of whoever had the id.
bool IsBusy(const rd_kafka_error_t* error) {
  return rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;
}

// Producers that gave way to a fresh one. They end beside it, which may take a second; but as long
// as one of them lives it may ask for the id again, and shut out the one that got it.
class Retired {
 public:
  Retired() = default;
  ~Retired() {
    for (std::thread& thread : threads_) thread.join();
  }
  Retired(const Retired&) = delete;
  Retired& operator=(const Retired&) = delete;
  void Add(KafkaHandle handle) {
    threads_.emplace_back([dead = std::move(handle)]() mutable { dead.reset(); });
  }

 private:
  std::vector<std::thread> threads_;
};

// So that the first commit is as fast as the others; what cannot be had now is asked for then.
// NOT_FOUND when brokers say for a while that there is no such topic: writing would be tried again
// for ever.
absl::Status AskForMetadata(const KafkaClient& client, rd_kafka_t* handle,
                            const std::string& topic) {
  const TopicHandle known(rd_kafka_topic_new(handle, topic.c_str(), nullptr));
  if (known == nullptr) return absl::OkStatus();
  int times_unknown = 0;
  for (int waited = 0; waited < kInitTimeoutMs && !client.gives_up(); waited += kMetadataSliceMs) {
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(handle, 0, known.get(), &metadata, kMetadataSliceMs) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
      continue;
    }
    const bool is_unknown = metadata->topic_cnt == 1 &&
                            metadata->topics[0].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    rd_kafka_metadata_destroy(metadata);
    if (!is_unknown) return absl::OkStatus();
    if (++times_unknown > kTimesUnknown) {
      return absl::NotFoundError(absl::StrCat(
          "topic '", topic,
          "' is gone, and the job writes to it: make it again (its rows are not written again), or "
          "start over under another name (metadata.name or spec.identity)"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kUnknownPauseMs));
  }
  return absl::OkStatus();
}

absl::Status NotWritten(const rd_kafka_message_t& message) {
  const absl::Status status = ToStatus(
      message.err, absl::StrCat("topic '", rd_kafka_topic_name(message.rkt), "': a message of ",
                                message.len + message.key_len, " bytes was not written"));
  const char* way_out = "";
  if (message.err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
    way_out =
        "; the topic takes less than when the job began: set its max.message.bytes back with "
        "kafka-configs --alter and start again, nothing is lost";
  } else if (message.err == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP) {
    way_out =
        "; its time is the row's event time, and the topic takes none that is as old "
        "(message.timestamp.before.max.ms) or as new (message.timestamp.after.max.ms; the clocks "
        "of "
        "worker and broker differ): set it with kafka-configs --alter, or "
        "message.timestamp.type=LogAppendTime, and start again, nothing is lost";
  }
  return {status.code(), absl::StrCat(std::string(status.message()), way_out)};
}

}  // namespace

void TransactionalProducer::OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  const auto* tag = static_cast<const Tag*>(message->_private);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    absl::Status& first = tag->producer->delivery_;
    if (first.ok()) first = NotWritten(*message);
  } else if (tag->is_journal) {
    tag->producer->journal_offset_ = message->offset;
  }
}

absl::StatusOr<std::unique_ptr<TransactionalProducer>> TransactionalProducer::Make(
    KafkaClient& client, const ProducerSpec& spec) {
  std::unique_ptr<TransactionalProducer> producer(
      new TransactionalProducer(client, spec.age_watch));
  RETURN_IF_ERROR(producer->TakeId(spec));
  for (const std::string& topic : spec.topics) {
    RETURN_IF_ERROR(AskForMetadata(client, producer->handle_.get(), topic));
  }
  return producer;
}

// librdkafka asks again after half a second when brokers are still busy with the transaction of
// whoever had the id; a fresh producer asks at once. That takes a tenth of the time, which is what
// a lane stands still when its owner was killed.
absl::Status TransactionalProducer::TakeId(const ProducerSpec& spec) {
  Retired retired;
  for (int fresh = 0;; ++fresh) {
    RETURN_IF_ERROR(MakeHandle(spec));
    rd_kafka_t* handle = handle_.get();
    const auto ask = [handle](int timeout_ms) {
      return rd_kafka_init_transactions(handle, timeout_ms);
    };
    const bool is_last = fresh == kMostFresh;
    const Slices slices{kInitTimeoutMs, is_last ? KafkaClient::kSliceMs : kAskMs};
    rd_kafka_error_t* error = CallInSlices(client_, slices, ask, is_last ? Never : IsBusy);
    if (error == nullptr) return absl::OkStatus();
    if (is_last || !IsBusy(error) || client_.gives_up()) {
      return client_.Explain(
          Fail(error, absl::StrCat("taking transactional id '", spec.transactional_id, "'")));
    }
    rd_kafka_error_destroy(error);
    retired.Add(std::move(handle_));
  }
}

absl::Status TransactionalProducer::MakeHandle(const ProducerSpec& spec) {
  ASSIGN_OR_RETURN(
      ConfHandle conf,
      client_.MakeConf({{"transactional.id", spec.transactional_id},
                        {"transaction.timeout.ms", absl::StrCat(spec.transaction_timeout_ms)},
                        {"batch.size", absl::StrCat(spec.max_batch_bytes)},
                        {"linger.ms", "0"},
                        {"acks", "all"},
                        {"compression.codec", "lz4"},
                        {"partitioner", "murmur2_random"},
                        {"message.max.bytes", absl::StrCat(kMaxMessageBytes)},
                        {"queue.buffering.max.messages", "2000000"},
                        {"queue.buffering.max.kbytes", "1048576"}}));
  rd_kafka_conf_set_dr_msg_cb(conf.get(), OnDelivery);
  ASSIGN_OR_RETURN(handle_, client_.MakeHandle(RD_KAFKA_PRODUCER, std::move(conf)));
  return absl::OkStatus();
}

TransactionalProducer::~TransactionalProducer() {
  if (handle_ == nullptr) return;
  rd_kafka_purge(handle_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                    RD_KAFKA_PURGE_F_NON_BLOCKING);
  topics_.clear();
  handle_.reset();
}

absl::Status TransactionalProducer::Fail(rd_kafka_error_t* error, std::string_view what) const {
  const ErrorHandle owned(error);
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  absl::Status status = ToStatus(code, what);
  if (rd_kafka_error_is_fatal(error) != 0 && code == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> text{};
    status = ToStatus(rd_kafka_fatal_error(handle_.get(), text.data(), text.size()), what);
  }
  // What happened to a message says more than that its transaction cannot be committed.
  if (!delivery_.ok()) status = Annotate(delivery_, what);
  return {status.code(),
          absl::StrCat(std::string(status.message()), ": ", rd_kafka_error_string(error))};
}

// With a name instead of a handle, librdkafka looks for the topic under a lock for each message.
absl::StatusOr<rd_kafka_topic_t*> TransactionalProducer::FindTopic(const std::string& name) {
  TopicHandle& topic = topics_[name];
  if (topic == nullptr) topic.reset(rd_kafka_topic_new(handle_.get(), name.c_str(), nullptr));
  if (topic == nullptr) {
    return ToStatus(rd_kafka_last_error(), absl::StrCat("topic '", name, "'"));
  }
  return topic.get();
}

absl::Status TransactionalProducer::Produce(const OutMessage& message, rd_kafka_topic_t* topic,
                                            int64_t timestamp_ms) {
  const int32_t partition =
      message.partition == OutMessage::kByKey ? RD_KAFKA_PARTITION_UA : message.partition;
  while (true) {
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        handle_.get(), RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(0),
        RD_KAFKA_V_VALUE(const_cast<char*>(message.value.data()), message.value.size()),
        RD_KAFKA_V_KEY(message.has_key ? message.key.data() : nullptr, message.key.size()),
        RD_KAFKA_V_TIMESTAMP(timestamp_ms),
        RD_KAFKA_V_OPAQUE(message.is_journal ? &journal_tag_ : &row_tag_), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return ToStatus(error, absl::StrCat("a message of ", message.value.size(),
                                          " bytes for topic '", *message.topic, "'"));
    }
    rd_kafka_poll(handle_.get(), 10);
  }
}

// The clock is read here and not in the lane: when a row is written is no property of the row.
absl::Status TransactionalProducer::ProduceAll(absl::Span<const OutMessage> messages) {
  const int64_t now_ms = absl::ToUnixMillis(absl::Now());
  const std::string* topic = nullptr;
  int64_t oldest_ms = now_ms;  // of the messages in a row that go to one topic
  const std::string* last_topic = nullptr;
  rd_kafka_topic_t* handle = nullptr;
  for (const OutMessage& message : messages) {
    const int64_t time_ms = std::min(message.timestamp_ms, now_ms);
    if (message.topic != last_topic) {
      ASSIGN_OR_RETURN(handle, FindTopic(*message.topic));
      last_topic = message.topic;
    }
    RETURN_IF_ERROR(Produce(message, handle, time_ms));
    if (age_watch_ == nullptr || time_ms == 0) continue;
    if (message.topic != topic && topic != nullptr) age_watch_->Look(*topic, oldest_ms, now_ms);
    oldest_ms = message.topic == topic ? std::min(oldest_ms, time_ms) : time_ms;
    topic = message.topic;
  }
  if (topic != nullptr) age_watch_->Look(*topic, oldest_ms, now_ms);
  return absl::OkStatus();
}

absl::Status TransactionalProducer::Commit(absl::Span<const OutMessage> messages) {
  delivery_ = absl::OkStatus();
  if (rd_kafka_error_t* error = rd_kafka_begin_transaction(handle_.get())) {
    return Fail(error, "beginning a transaction");
  }
  RETURN_IF_ERROR(ProduceAll(messages));
  const auto commit = [this](int timeout_ms) {
    return rd_kafka_commit_transaction(handle_.get(), timeout_ms);
  };
  if (rd_kafka_error_t* error = CallInSlices(client_, {kCommitTimeoutMs}, commit, Never)) {
    const bool is_refused = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__AUTHENTICATION;
    const absl::Status failure = Fail(error, "committing a transaction");
    const absl::Status explained = client_.Explain(failure);
    // Who was let in before may be again, with a newer token: whether it is so, the next producer
    // tells. A message that was refused is another matter.
    const bool may_pass = absl::IsUnavailable(failure) || (is_refused && delivery_.ok());
    return may_pass ? absl::UnavailableError(explained.message()) : explained;
  }
  return absl::OkStatus();
}

}  // namespace streamml::log::internal
