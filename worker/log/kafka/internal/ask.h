// An administrative request and the wait for its answer.
#pragma once

#include <array>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "worker/log/kafka/internal/handles.h"
#include "worker/log/kafka/internal/kafka_client.h"

namespace streamml::log::internal {

// Waits for the answer of an administrative request. Not for requests to the coordinator of a
// group: librdkafka (up to 2.14) aborts the process when a connection breaks under one.
template <typename Submit>
absl::StatusOr<EventHandle> Ask(const KafkaClient& client, rd_kafka_t* handle,
                                rd_kafka_admin_op_t operation, std::string_view what,
                                Submit submit) {
  const int timeout_ms = client.timeout_ms();
  const QueueHandle queue(rd_kafka_queue_new(handle));
  const AdminOptionsHandle options(rd_kafka_AdminOptions_new(handle, operation));
  std::array<char, 512> text{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, text.data(), text.size());
  submit(options.get(), queue.get());
  EventHandle event;
  for (int waited = 0; event == nullptr && waited < timeout_ms + 1000 && !client.gives_up();
       waited += KafkaClient::kSliceMs) {
    event.reset(rd_kafka_queue_poll(queue.get(), KafkaClient::kSliceMs));
  }
  if (event == nullptr) return absl::UnavailableError(absl::StrCat(what, ": no answer"));
  const rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(error, what);
  return event;
}

}  // namespace streamml::log::internal
