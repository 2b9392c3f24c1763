// The snapshots of a job's lanes: on this machine, and in the store that the manifest names.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/disk.h"
#include "proto/streamml/job/v1/job.pb.h"
#include "worker/plan/plan.h"
#include "worker/state/snapshot_store.h"
#include "worker/state/store/object_store.h"

namespace streamml::cli {

// The store at a location as in spec.snapshots.store, with the credentials that `spec` names. The
// store itself is not asked yet. `stop` ends what waits for it. INVALID_ARGUMENT for a location or
// credentials that cannot be read here. The disk must outlive it.
absl::StatusOr<std::unique_ptr<state::ObjectStore>> OpenObjectStore(const std::string& location,
                                                                    const job::v1::Snapshots& spec,
                                                                    Disk& disk,
                                                                    std::function<bool()> stop);

// Thread-safe.
class LaneSnapshots {
 public:
  // Copies what it needs of `spec` and `plan`. `folder`/<lane> has a lane's snapshots. `give_up` is
  // asked while who opens a lane waits for the store; true: that ends soon. The disk must outlive
  // what is opened.
  LaneSnapshots(const job::v1::Snapshots& spec, const plan::JobPlan& plan, Disk& disk,
                std::string folder, std::function<bool()> give_up);

  // INVALID_ARGUMENT for credentials that cannot be read here. The store itself is not asked yet.
  // What is opened ends soon also while the store is away.
  absl::StatusOr<std::unique_ptr<state::SnapshotStore>> Open(uint32_t lane) const;

 private:
  const job::v1::Snapshots spec_;
  const std::string location_;  // empty: there is no store
  const std::string prefix_;    // of the job's keys
  const int64_t upload_interval_us_;
  Disk& disk_;
  const std::string folder_;
  const std::function<bool()> give_up_;
};

}  // namespace streamml::cli
