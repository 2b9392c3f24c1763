// Refusals: a status whose reason a program can act on.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "proto/streamml/fleet/v1/fleet.pb.h"

namespace streamml::control {

// A status of that code with the refusal as its payload.
absl::Status Refuse(absl::StatusCode code, fleet::v1::Refusal::Reason reason, uint64_t epoch,
                    const std::string& message);
std::optional<fleet::v1::Refusal> RefusalOf(const absl::Status& status);

}  // namespace streamml::control
