#include "tests/bench/kafka/sender.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace streamml::bench {
namespace {

constexpr int kFlushTimeoutMs = 60'000;
constexpr int kFullPauseMs = 10;
constexpr int64_t kPollEveryRows = 256;

}  // namespace

void Sender::OnDelivery(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
  auto* sender = static_cast<Sender*>(opaque);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++sender->num_failed_;
    return;
  }
  if (!sender->appended_) return;
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const int64_t time_ms = rd_kafka_message_timestamp(message, &type);
  sender->appended_(static_cast<int64_t>(reinterpret_cast<intptr_t>(message->_private)),
                    type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? time_ms : -1);
}

absl::StatusOr<std::unique_ptr<Sender>> Sender::Make(const SenderOptions& options,
                                                     Appended appended) {
  std::unique_ptr<Sender> sender(new Sender(options.topic, std::move(appended)));
  absl::StatusOr<kafka::Conf> conf =
      kafka::MakeConf({{"bootstrap.servers", options.brokers},
                       {"linger.ms", absl::StrCat(options.linger_ms)},
                       {"acks", "all"},
                       {"enable.idempotence", "true"},
                       {"compression.codec", "lz4"},
                       {"partitioner", "murmur2"},
                       {"batch.size", "1000000"},
                       {"queue.buffering.max.messages", "500000"}});
  if (!conf.ok()) return conf.status();
  rd_kafka_conf_set_dr_msg_cb(conf->get(), OnDelivery);
  rd_kafka_conf_set_opaque(conf->get(), sender.get());
  absl::StatusOr<kafka::Client> client = kafka::MakeClient(RD_KAFKA_PRODUCER, *std::move(conf));
  if (!client.ok()) return client.status();
  sender->client_ = *std::move(client);
  const absl::StatusOr<int> partitions = kafka::NumPartitions(sender->client_.get(), options.topic);
  if (!partitions.ok()) return partitions.status();
  sender->num_partitions_ = *partitions;
  return sender;
}

absl::Status Sender::Produce(int64_t number, int32_t partition) {
  while (true) {
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        client_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_KEY(payment_.card.data(), payment_.card.size()),
        RD_KAFKA_V_VALUE(payment_.json.data(), payment_.json.size()),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        // NOLINTNEXTLINE(performance-no-int-to-ptr): the number itself, not where it stands
        RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(static_cast<intptr_t>(number))), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return kafka::Failed(absl::StrCat("row ", number), error);
    }
    rd_kafka_poll(client_.get(), kFullPauseMs);
  }
}

absl::Status Sender::Send(int64_t number) {
  MakePayment(number, payment_);
  return Produce(number, RD_KAFKA_PARTITION_UA);
}

absl::Status Sender::SendLast(int64_t number) {
  for (int partition = 0; partition < num_partitions_; ++partition) {
    MakeLastPayment(number + partition, payment_);
    absl::Status status = Produce(number + partition, partition);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void Sender::Poll(int timeout_ms) { rd_kafka_poll(client_.get(), timeout_ms); }

absl::Status Sender::Finish() {
  const rd_kafka_resp_err_t error = rd_kafka_flush(client_.get(), kFlushTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return kafka::Failed("waiting for acknowledgements", error);
  return num_failed_ == 0
             ? absl::OkStatus()
             : absl::UnavailableError(absl::StrCat(num_failed_, " rows were not acknowledged"));
}

absl::Status Fill(const FillOptions& options) {
  absl::StatusOr<std::unique_ptr<Sender>> sender = Sender::Make(options.sender, nullptr);
  if (!sender.ok()) return sender.status();
  const int64_t end = options.first + options.num_rows;
  for (int64_t number = options.first; number < end; ++number) {
    absl::Status status = (*sender)->Send(number);
    if (!status.ok()) return status;
    if (number % kPollEveryRows == 0) (*sender)->Poll(0);
  }
  if (options.last) {
    absl::Status status = (*sender)->SendLast(end);
    if (!status.ok()) return status;
  }
  return (*sender)->Finish();
}

}  // namespace streamml::bench
