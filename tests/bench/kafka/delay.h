// How long it takes from when a row is in the log of the broker until what an engine made of it can
// be read, committed.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/kafka/sender.h"

namespace streamml::bench {

struct DelayOptions {
  SenderOptions sender;  // its topic must keep the broker's time (LogAppendTime)
  std::string sink;
  int64_t first = 0;  // number of the first row
  double rows_per_second = 1000;
  double warm_seconds = 5;       // rows that are not measured
  double seconds = 20;           // rows that are
  double patience_seconds = 20;  // rows go on being sent so long, that those before come out
};

struct DelayResult {
  std::vector<int64_t> delays_ms;  // of measured rows that came, ascending
  int64_t num_sent = 0;            // of measured rows
  int64_t num_markers =
      0;  // that the sink got while rows were measured: one a transaction and partition
  double seconds = 0;  // how long sending the measured rows took
};

absl::StatusOr<DelayResult> MeasureDelay(const DelayOptions& options);

}  // namespace streamml::bench
