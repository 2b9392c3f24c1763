// Fills a topic from JSON lines, as a producer of users would: keys hashed as Java's clients do,
// event times.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/kafka/client.h"

namespace streamml::kafka {

struct FillOptions {
  std::string topic;
  std::string key_column;   // its value is the key; empty: no keys, partitions in turn
  std::string time_column;  // milliseconds, RFC 3339 or "2025-01-31 23:59:59.5" (UTC); empty: the
                            // time of sending
  int num_partitions = 0;   // > 0: made if it is not there, refused if it has another number
  double rows_per_second = 0;  // 0: as fast as possible
  int64_t limit_rows = -1;     // -1: all
  std::vector<Setting> settings;
};

struct FillResult {
  int64_t num_rows = 0;
  int64_t size_bytes = 0;  // of values
  double seconds = 0;      // until the broker has acknowledged all
};

// Sends every line that is not empty. OK means that each was acknowledged once, in order within its
// partition (the producer is idempotent). INVALID_ARGUMENT names the line that has no such key or
// time.
absl::StatusOr<FillResult> Fill(std::istream& lines, const FillOptions& options);

}  // namespace streamml::kafka
