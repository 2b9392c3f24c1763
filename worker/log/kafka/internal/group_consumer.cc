#include "worker/log/kafka/internal/group_consumer.h"

#include <utility>

#include "base/status.h"

namespace streamml::log::internal {
namespace {

constexpr int kTimeoutMs = 2000;

}  // namespace

// Without leaving the group, in which it is not: that would wait for brokers.
GroupConsumer::~GroupConsumer() {
  queue_.reset();
  if (handle_ != nullptr) {
    rd_kafka_destroy_flags(handle_.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }
}

absl::Status GroupConsumer::Commit(const PartitionOffsets& offsets) {
  if (handle_ == nullptr) {
    ASSIGN_OR_RETURN(ConfHandle conf, client_.MakeConf({{"group.id", client_.options().group},
                                                        {"enable.auto.commit", "false"}}));
    ASSIGN_OR_RETURN(handle_, client_.MakeHandle(RD_KAFKA_CONSUMER, std::move(conf)));
    queue_.reset(rd_kafka_queue_new(handle_.get()));
  }
  const std::unique_ptr<rd_kafka_topic_partition_list_t,
                        Destroyer<rd_kafka_topic_partition_list_destroy>>
      list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const auto& [place, offset] : offsets) {
    rd_kafka_topic_partition_list_add(list.get(), place.first.c_str(),
                                      static_cast<int32_t>(place.second))
        ->offset = static_cast<int64_t>(offset);
  }
  while (EventHandle(rd_kafka_queue_poll(queue_.get(), 0)) != nullptr) {  // answers that came late
  }
  rd_kafka_poll(handle_.get(), 0);
  const rd_kafka_resp_err_t error =
      rd_kafka_commit_queue(handle_.get(), list.get(), queue_.get(), nullptr, nullptr);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(error, "committing to a group");
  for (int waited = 0; waited < kTimeoutMs && !client_.gives_up();
       waited += KafkaClient::kSliceMs) {
    const EventHandle event(rd_kafka_queue_poll(queue_.get(), KafkaClient::kSliceMs));
    if (event != nullptr) {
      return ToStatus(rd_kafka_event_error(event.get()), "committing to a group");
    }
  }
  return absl::UnavailableError("committing to a group: no answer");
}

}  // namespace streamml::log::internal
