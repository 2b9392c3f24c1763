// Which value of a description (a manifest, or a part of it) a mistake is about, so that whoever
// knows where the value stands can point at it.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace streamml {

// The status with `field` in front of the path that it has already: "metrics" before "[2]", then
// "models[fraud]" before that, give "models[fraud].metrics[2]". OK stays OK. Message and other
// payloads are kept; Annotate keeps the path.
absl::Status AtField(absl::Status status, std::string_view field);

// The path; "" if the status has none.
std::string FieldOf(const absl::Status& status);

}  // namespace streamml
