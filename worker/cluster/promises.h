// What a coordinator has promised, on disk; and what it sees, as the pure step takes it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/disk.h"
#include "job/decide/fleet.h"
#include "proto/streamml/fleet/v1/cluster.pb.h"
#include "worker/cluster/supervise.h"

namespace streamml::cluster {

// The durable part of a state: without plan and times.
fleet::v1::ClusterState ToProto(const decide::FleetState& state, const fleet::v1::JobRef& job);

// The state at `path`, empty when there is none yet. Waits for owners to let go begin anew at
// `now_us`. DATA_LOSS when the file is damaged; FAILED_PRECONDITION when it is another job's.
absl::StatusOr<decide::FleetState> ReadPromises(Disk& disk, const std::string& path,
                                                const fleet::v1::JobRef& job, int64_t now_us);
// In one step and durably.
absl::Status WritePromises(Disk& disk, const std::string& path,
                           const fleet::v1::ClusterState& state);

// Of a worker whose observation is of this job; others have nothing of it.
decide::SeenWorker ToSeen(const fleet::v1::Observation& observation, const fleet::v1::JobRef& job);

// How long its lanes have waited for brokers: those that need them. Of others it says nothing that
// they do not wait: they follow, are opened, have failed or ended.
void NoteStalls(const fleet::v1::Observation& observation, ProcessView& view);

// It lets go of all that it has, whatever it is asked for: somebody sent it a SIGTERM.
bool IsLeaving(const fleet::v1::Observation& observation);

}  // namespace streamml::cluster
