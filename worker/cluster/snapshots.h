// Snapshots on demand, of all workers of a cluster at once.
#pragma once

#include <cstdint>

#include "proto/streamml/fleet/v1/cluster.pb.h"

namespace streamml::cluster {

inline constexpr int64_t kSnapshotsUs = 70'000'000;  // how long it takes at most

// Asks each worker of the status that runs lanes for snapshots of those that are wanted, and waits
// for the answers. A lane that runs nowhere, or of which there is none for another reason, is among
// the problems.
fleet::v1::TakeSnapshotsReply TakeSnapshots(const fleet::v1::StatusReply& status,
                                            const fleet::v1::TakeSnapshotsRequest& request);

}  // namespace streamml::cluster
