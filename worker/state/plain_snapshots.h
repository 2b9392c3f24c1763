// Snapshots as whole files: for state that is small, and for the simulator.
#pragma once

#include <memory>
#include <string>

#include "base/disk.h"
#include "worker/state/local_snapshots.h"

namespace streamml::state {

// Keeps the working copy in memory, beside the state itself, and writes all of it at each Save, to
// `folder`/<SnapshotName>.snapshot. The working copy starts empty. Nothing is done before the first
// call; `folder` is made by the first Save and belongs to the store alone. `disk` must outlive the
// store. Besides what SnapshotStore says, errors are those of the disk; a snapshot that is not
// there is NOT_FOUND.
std::unique_ptr<LocalSnapshots> MakePlainSnapshots(Disk& disk, std::string folder);

}  // namespace streamml::state
