// What a manifest leaves out.
#pragma once

#include "proto/streamml/job/v1/job.pb.h"

namespace streamml::manifest::internal {

// Sets every field that is not given and has a default: those of the rules in the .proto, then
// workers.lanes = min(log.partitions, 16). Values that are given stay.
void FillDefaults(job::v1::StreamMLJob& job);

}  // namespace streamml::manifest::internal
