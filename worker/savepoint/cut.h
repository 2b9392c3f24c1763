// From snapshots of all lanes to one consistent cut of the job (invariant I7).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/streamml/savepoint/v1/savepoint.pb.h"
#include "worker/lane/lane.h"
#include "worker/log/log.h"
#include "worker/plan/plan.h"
#include "worker/savepoint/savepoint_store.h"

namespace streamml::savepoint {

// The order in which snapshots are to be taken while lanes run: sinks first, then what is upstream
// of them, so that no lane has read what its writer's snapshot has not written. A group's lanes may
// be taken at once, when those of the group before are.
std::vector<std::vector<uint32_t>> SnapshotOrder(const plan::JobPlan& plan);

struct CutContents {
  std::string name;
  uint64_t taken_us = 0;
  std::vector<v1::LanePart> parts;    // by lane
  std::vector<lane::LaneSpec> specs;  // by lane
  // Rows that a lane begins with are cut into transactions of about this size.
  size_t transaction_bytes = 4 << 20;
};

// Copies the rows that are in flight between the parts from `log`, and publishes the savepoint.
// FAILED_PRECONDITION when the parts are no consistent cut; nothing is published after any error.
absl::StatusOr<Document> MakeSavepoint(const plan::JobPlan& plan, log::Log& log,
                                       SavepointStore& store, const CutContents& contents);

}  // namespace streamml::savepoint
