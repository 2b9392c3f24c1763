// One lane's part of a savepoint: its state, written from a snapshot that is durable.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/streamml/savepoint/v1/savepoint.pb.h"
#include "worker/savepoint/savepoint_store.h"
#include "worker/state/snapshot_store.h"

namespace streamml::savepoint {

struct LaneTaken {
  std::string savepoint;  // its name
  uint32_t lane = 0;
  std::string fingerprint;  // of who runs the lane
  // Asked all along, because the lane takes no snapshot meanwhile; may be empty.
  std::function<bool()> stop = {};
};

// For lane::SnapshotExport. DATA_LOSS when the entries are not those of the snapshot;
// CANCELLED when stopped.
absl::StatusOr<v1::LanePart> WriteLanePart(SavepointStore& store, const LaneTaken& taken,
                                           const state::SnapshotInfo& snapshot,
                                           state::SnapshotStore& snapshots);

// Hands over what the pieces of `lane` hold. DATA_LOSS when it is not what the document says.
absl::Status ReadLaneState(const SavepointStore& store, const std::string& savepoint,
                           const v1::Lane& lane, const state::SnapshotStore::EntryFunction& entry);

}  // namespace streamml::savepoint
