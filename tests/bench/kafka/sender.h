// Puts payments into a topic, as a producer of users would: keyed by card, hashed as Java's clients
// do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/kafka/payments.h"
#include "tests/kafka/client.h"

namespace streamml::bench {

// Called when the broker has acknowledged a row, with the time at which it wrote it into the log
// (milliseconds since 1970; -1 where the topic keeps the producer's). In the thread that sends.
using Appended = std::function<void(int64_t number, int64_t time_ms)>;

struct SenderOptions {
  std::string brokers;
  std::string topic;
  int linger_ms = 1;
};

// One thread.
class Sender {
 public:
  static absl::StatusOr<std::unique_ptr<Sender>> Make(const SenderOptions& options,
                                                      Appended appended);

  // A row is acknowledged later, in Poll() or Finish().
  absl::Status Send(int64_t number);
  // One row into each partition that lets watermarks pass all that was sent.
  absl::Status SendLast(int64_t number);
  void Poll(int timeout_ms);
  // UNAVAILABLE when a row was not acknowledged.
  absl::Status Finish();

 private:
  Sender(std::string topic, Appended appended)
      : topic_(std::move(topic)), appended_(std::move(appended)) {}
  static void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque);
  absl::Status Produce(int64_t number, int32_t partition);

  const std::string topic_;
  const Appended appended_;
  kafka::Client client_;
  Payment payment_;
  int64_t num_failed_ = 0;
  int num_partitions_ = 0;
};

struct FillOptions {
  SenderOptions sender;
  int64_t first = 0;
  int64_t num_rows = 0;
  bool last = false;  // also rows that let watermarks pass
};
absl::Status Fill(const FillOptions& options);

}  // namespace streamml::bench
