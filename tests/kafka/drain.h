// Reads a topic to its end into one file per partition, for comparison.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/kafka/client.h"

namespace streamml::kafka {

struct DrainOptions {
  std::string topic;
  std::filesystem::path folder;  // made; files <partition>.tsv in it are replaced
  bool read_committed = true;    // false: also rows of open and aborted transactions
  double patience_seconds = 30;  // without any progress
  std::vector<Setting> settings;
};

// One line a record: offset, timestamp in ms, key, headers (name=value, separated by commas),
// value, separated by tabs. Backslash, tab, newline and carriage return are written \\ \t \n \r; \N
// is no key or no value. The number of records of each partition. Ends where each partition ended
// when it was reached: with read_committed before its first open transaction.
absl::StatusOr<std::vector<int64_t>> Drain(const DrainOptions& options);

}  // namespace streamml::kafka
