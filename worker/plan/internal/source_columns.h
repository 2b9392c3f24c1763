// What a source of the manifest says about its records, as values of the connectors and the lane.
#pragma once

#include "job/manifest/manifest.h"
#include "worker/plan/plan.h"

namespace streamml::plan::internal {

connectors::SourceColumn ToSourceColumn(const job::v1::Column& column);
// Into `plan`, of which it is known whether it is a topic. Records of a topic have metadata; what a
// file in its place has of them stands in its events.
void AddMetadata(const job::v1::Source& source, SourcePlan& plan);
lane::OnError ToOnError(const std::string& policy);

}  // namespace streamml::plan::internal
