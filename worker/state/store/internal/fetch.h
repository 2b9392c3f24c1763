// Brings a stored snapshot to this disk.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "base/disk.h"
#include "worker/state/local_snapshots.h"
#include "worker/state/store/internal/lane_store.h"

namespace streamml::state {

// Makes the snapshot one of `local`, with the content that its manifest says. Files that equal one
// of `here` are copied from there, the others come from the store. DATA_LOSS when one is missing
// there or has another content; then nothing has changed but the place for imports.
absl::Status Fetch(LaneStore& store, const Manifest& manifest,
                   const std::vector<SnapshotFile>& here, Disk& disk, SnapshotFiles& local);

}  // namespace streamml::state
