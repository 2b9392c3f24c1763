// From a snapshot to an executor that stands where it was taken.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/lane/executor.h"
#include "worker/lane/lane.h"
#include "worker/state/snapshot_store.h"

namespace streamml::lane::internal {

struct Restored {
  std::unique_ptr<Executor> executor;
  std::vector<uint64_t> sink_bytes;  // committed lengths then
  uint64_t epoch = 0;
};

// Hands over all entries of the snapshot, as SnapshotStore::Restore and Read do.
using LoadFunction = std::function<absl::Status(const state::SnapshotStore::EntryFunction& entry)>;

// Asked with the new executor before it is filled; may be empty.
using PrepareFunction = std::function<void(Executor& executor)>;

// Makes an executor and fills it. On an error, `damaged` says that it is the snapshot that is
// wrong, not what it rests on. The spec must outlive the executor, which keeps `stop`. CANCELLED
// when that says so.
absl::StatusOr<Restored> RestoreExecutor(const LaneSpec& spec, const state::SnapshotInfo& snapshot,
                                         const LoadFunction& load, const PrepareFunction& prepare,
                                         const StopFunction& stop, bool& damaged);

}  // namespace streamml::lane::internal
