// Tells whether a data folder was made by the same job.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/streamml/job/v1/job.pb.h"
#include "worker/plan/plan.h"

namespace streamml::plan::internal {

// Of what decides results. Where files lie, how often snapshots are taken and what only Kubernetes
// uses does not; files are known by their content.
uint64_t JobHash(const job::v1::JobSpec& spec, const JobPlan& plan);

// What of the manifest and the sources is in the hash, part by part, for messages.
std::vector<lane::JobPart> JobParts(const job::v1::JobSpec& spec, const JobPlan& plan);

}  // namespace streamml::plan::internal
