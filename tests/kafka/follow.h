// Tells when committed records of a topic can be read.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/kafka/client.h"

namespace streamml::kafka {

struct FollowOptions {
  std::vector<Setting> settings;
  std::string topic;
};

// From the beginning, until the reader of standard output is gone: a line "SECONDS PARTITION OFFSET
// TOTAL" whenever committed records came: the monotonic clock, the last offset there, the number of
// records of the topic so far.
absl::Status Follow(const FollowOptions& options);

}  // namespace streamml::kafka
