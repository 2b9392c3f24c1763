// What a cluster does, as text for people. Pure: time and numbers come in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/streamml/fleet/v1/cluster.pb.h"

namespace streamml::cli {

// The block for a terminal, and what --status prints. `seconds`: since it began; below 0: not
// known.
std::vector<std::string> ClusterBlock(const fleet::v1::StatusReply& status, double seconds);
// One line for each lane of each worker, below a line of titles. "-": not known.
std::vector<std::string> ClusterLanes(const fleet::v1::StatusReply& status);
// The same as one plain line.
std::string ClusterLine(const fleet::v1::StatusReply& status);

}  // namespace streamml::cli
