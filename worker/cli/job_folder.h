// The data folder of a job on this machine: its log, its snapshots, its lanes.
//
//   DATA_DIR/<sink>/part-*.jsonl        outputs
//   DATA_DIR/.streamml/log/             journals and internal topics, unless they are on Kafka
//   DATA_DIR/.streamml/lanes/<lane>/    snapshots
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/disk.h"
#include "worker/cli/lane_snapshots.h"
#include "worker/cli/load.h"
#include "worker/cli/log_patience.h"
#include "worker/cli/signals.h"
#include "worker/lane/lane.h"
#include "worker/log/log.h"
#include "worker/state/snapshot_store.h"

namespace streamml::cli {

using NoteFunction = std::function<void(const std::string& note)>;

// Holds the folder's lock while it lives. Used by one thread until lanes run.
class JobFolder {
 public:
  // Takes the lock; `must_exist` refuses a folder that holds no job (NOT_FOUND) instead of making
  // it. FAILED_PRECONDITION when another process holds it. `job` and `disk` must outlive the
  // folder.
  static absl::StatusOr<std::unique_ptr<JobFolder>> Open(const Job& job, Disk& disk,
                                                         bool must_exist, const NoteFunction& note);

  // Recovers and claims all lanes. Errors as Lane::Open. When `stop` says so, ends soon, without
  // lanes and without a claim.
  absl::Status OpenLanes(const NoteFunction& note, const std::function<bool()>& stop);

  // Makes the first part file of each sink, empty, where it is missing: who reads
  // DATA_DIR/<sink>/*.jsonl finds a file also when there are no rows. To recovery an empty part is
  // what a crash before the first commit leaves. OpenLanes ends with it.
  absl::Status MakeFirstParts();

  // The snapshots of a lane.
  absl::StatusOr<std::unique_ptr<state::SnapshotStore>> OpenSnapshots(uint32_t lane);

  // Gives the store of snapshots up to so long to take what it lacks. A line for people when
  // snapshots stay on this machine only, else "". Not while lanes run.
  std::string FinishUploads(int64_t timeout_us);

  // What to tell the user of a log that cannot be reached.
  LogPatience& patience() { return patience_; }
  Disk& disk() { return disk_; }
  log::Log& log() { return *log_; }
  std::vector<std::unique_ptr<lane::Lane>>& lanes() { return lanes_; }

 private:
  absl::Status OpenAll(const NoteFunction& note, const std::function<bool()>& stop);
  absl::Status OpenLane(uint32_t index, std::vector<std::string>& notes,
                        const std::function<bool()>& stop);
  absl::Status ForEachLane(const std::function<absl::Status(uint32_t lane)>& work);
  JobFolder(const Job& job, Disk& disk);
  absl::Status OpenFiles(bool must_exist, const NoteFunction& note);
  absl::Status OpenKafka(bool must_exist);

  const Job& job_;
  Disk& disk_;
  const std::string worker_;
  const std::string fingerprint_;
  LogPatience patience_;
  const LaneSnapshots lane_snapshots_;
  std::unique_ptr<lane::RestoreSource> restore_;  // null: lanes begin from nothing
  std::unique_ptr<DiskLock> lock_;                // of a folder whose log is on Kafka
  std::optional<state::MemoryBudget> memory_;
  std::unique_ptr<log::Log> log_;
  std::vector<std::unique_ptr<state::SnapshotStore>> snapshots_;
  std::unique_ptr<lane::BackgroundRunner> background_ = lane::MakeThreadRunner();
  std::vector<std::unique_ptr<lane::Lane>> lanes_;  // last: they use the others
};

}  // namespace streamml::cli
