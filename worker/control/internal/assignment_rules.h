// What an assignment must be, and what of it makes it the same as another. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/streamml/fleet/v1/fleet.pb.h"
#include "worker/lane/host.h"

namespace streamml::control::internal {

// INVALID_ARGUMENT for what no worker could do.
absl::Status CheckForm(const fleet::v1::AssignRequest& request);
// The roles by lane. INVALID_ARGUMENT for a lane that the plan has not.
absl::StatusOr<std::map<uint32_t, lane::Role>> RolesOf(const fleet::v1::AssignRequest& request,
                                                       const fleet::v1::PlanReply& plan);
// The content of an epoch: everything but the text of the manifest, for which its hash stands.
std::string Content(const fleet::v1::AssignRequest& request);
// What lanes are made for: job and manifest.
std::string KeyOf(const fleet::v1::AssignRequest& request);
bool SameJob(const fleet::v1::JobRef& a, const fleet::v1::JobRef& b);
// For messages.
std::string NameOf(const fleet::v1::JobRef& job);

}  // namespace streamml::control::internal
