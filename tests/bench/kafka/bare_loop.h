// The least that an engine on Kafka does exactly once: consume, produce what was read in a
// transaction, commit that with the offsets. What an engine costs above it is its own.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace streamml::bench {

struct BareLoopOptions {
  std::string brokers;
  std::string from;
  std::string to;
};

// Until SIGTERM or SIGINT; then prints the number of rows and transactions as a line of JSON.
// Transactions end by the rule of StreamML's lanes (worker/lane/internal/lane_loop.cc): 10 ms after
// the one before when there is nothing to read, up to 100 ms while there is, and at 4 MB.
absl::Status RunBareLoop(const BareLoopOptions& options);

}  // namespace streamml::bench
