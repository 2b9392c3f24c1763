// Owners of librdkafka's objects.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

#include "absl/status/status.h"

namespace streamml::log::internal {

template <auto function>
struct Destroyer {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};

using ConfHandle = std::unique_ptr<rd_kafka_conf_t, Destroyer<rd_kafka_conf_destroy>>;
using KafkaHandle = std::unique_ptr<rd_kafka_t, Destroyer<rd_kafka_destroy>>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, Destroyer<rd_kafka_topic_destroy>>;
using TopicConfHandle =
    std::unique_ptr<rd_kafka_topic_conf_t, Destroyer<rd_kafka_topic_conf_destroy>>;
using QueueHandle = std::unique_ptr<rd_kafka_queue_t, Destroyer<rd_kafka_queue_destroy>>;
using EventHandle = std::unique_ptr<rd_kafka_event_t, Destroyer<rd_kafka_event_destroy>>;
using MessageHandle = std::unique_ptr<rd_kafka_message_t, Destroyer<rd_kafka_message_destroy>>;
using ErrorHandle = std::unique_ptr<rd_kafka_error_t, Destroyer<rd_kafka_error_destroy>>;
using NewTopicHandle = std::unique_ptr<rd_kafka_NewTopic_t, Destroyer<rd_kafka_NewTopic_destroy>>;
using ConfigResourceHandle =
    std::unique_ptr<rd_kafka_ConfigResource_t, Destroyer<rd_kafka_ConfigResource_destroy>>;
using AdminOptionsHandle =
    std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<rd_kafka_AdminOptions_destroy>>;

// The nearest status code, with librdkafka's name of the error in the message. OK for NO_ERROR.
absl::Status ToStatus(rd_kafka_resp_err_t error, std::string_view context);

}  // namespace streamml::log::internal
