// What is not as a claim says, for people.
#pragma once

#include <string>
#include <vector>

#include "worker/lane/lane.h"

namespace streamml::journal::v1 {
class Claim;
}

namespace streamml::lane::internal {

// "views[features]", "partitions of source events: 3 then, 4 now", "input file 'b.jsonl' is new":
// parts of the job and input files of the lane, at most twelve. Empty for a claim that a build
// wrote which did not say so much.
std::vector<std::string> Differences(const LaneSpec& spec, const journal::v1::Claim& claim);

}  // namespace streamml::lane::internal
