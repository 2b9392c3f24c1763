// Mistakes of a manifest, from text for people to values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/streamml/fleet/v1/fleet.pb.h"

namespace streamml::worker {

// The lines of a status message as manifest::Format makes them, for a manifest called `file_name`:
// "job.yaml:12:7: spec.views[features].sql: message". What a line has not stays empty.
std::vector<fleet::v1::Mistake> ToMistakes(std::string_view text, std::string_view file_name);

}  // namespace streamml::worker
