// One worker: what it was told, what it does, what it tells. The service, the HTTP endpoints and
// the program stand around it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/mutex.h"
#include "proto/streamml/fleet/v1/fleet.pb.h"
#include "worker/control/job_lanes.h"
#include "worker/control/lane_facts.h"

namespace streamml::control {

struct WorkerOptions {
  fleet::v1::WorkerInfo info;
  std::string assignment_path;  // where the last assignment is kept; its folder exists
};

// Thread-safe. Statuses are those that fleet.proto lists, with their refusals (refusal.h).
class Worker {
 public:
  // All must outlive the worker. Reads what is kept; DATA_LOSS when it is damaged.
  static absl::StatusOr<std::unique_ptr<Worker>> Make(WorkerOptions options, JobMaker& maker,
                                                      Disk& disk, Clock& clock);
  ~Worker();

  // Goes on with the assignment that is kept, if there is one and it was not drained. Called once,
  // before anything else; UNAVAILABLE may be tried again.
  absl::Status Resume();

  absl::StatusOr<fleet::v1::PlanReply> Plan(const fleet::v1::PlanRequest& request);
  absl::Status Assign(const fleet::v1::AssignRequest& request);
  absl::StatusOr<fleet::v1::SnapshotReply> Snapshot(const fleet::v1::SnapshotRequest& request);
  // Returns when all lanes are let go.
  absl::Status Drain(const fleet::v1::DrainRequest& request);

  // Everything, as it is now. `next_note` is the number of the first note that the caller has not
  // seen yet, 0 for all that are kept, and is moved on.
  fleet::v1::Observation Observe(uint64_t& next_note);
  // Waits until something changed since `seen`, which is moved on, or the time is over.
  struct Seen {
    uint64_t worker = 0;
    uint64_t lanes = 0;
  };
  void AwaitChange(Seen& seen, int64_t timeout_us);

  // Part of what it tells from then on.
  void SetHttpAddress(const std::string& address);
  // A line for people; any thread.
  void Note(const std::string& text);

  // For the end of the process: lets go of all lanes, keeps the assignment, refuses everything from
  // then on with UNAVAILABLE.
  void Stop();
  bool stopping() const;

 private:
  class Turn;
  Worker(WorkerOptions options, JobMaker& maker, Disk& disk, Clock& clock);

  absl::Status CheckStopping() const;
  // Of what the worker is told, against what it was told before; sets `repeated` when it is the
  // same.
  absl::Status CheckTold(const fleet::v1::AssignRequest& request, bool& repeated) const;
  absl::Status Act(const fleet::v1::AssignRequest& request, bool store);
  void Install(OpenedJob opened, const std::string& key);
  std::string lanes_key() const;
  std::shared_ptr<JobLanes> lanes() const;
  void SetState(fleet::v1::WorkerState state);
  void Changed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const WorkerOptions options_;  // the address of HTTP is not in it
  JobMaker& maker_;
  Disk& disk_;
  Clock& clock_;

  // Assign, Drain, Resume and Stop take turns: each may take long and is done without the mutex.
  mutable Mutex mutex_;
  mutable ConditionVariable changed_;
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  fleet::v1::WorkerState state_ ABSL_GUARDED_BY(mutex_) = fleet::v1::WORKER_STATE_IDLE;
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 1;
  std::string http_address_ ABSL_GUARDED_BY(mutex_);
  // Changed in one's turn only.
  fleet::v1::StoredAssignment stored_ ABSL_GUARDED_BY(mutex_);
  fleet::v1::PlanReply plan_ ABSL_GUARDED_BY(mutex_);
  // Shared with who looks at facts while a drain or another job takes its place.
  std::shared_ptr<JobLanes> lanes_ ABSL_GUARDED_BY(mutex_);
  std::string lanes_key_ ABSL_GUARDED_BY(mutex_);  // job and manifest that they were made for
  RowRates rates_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> notes_ ABSL_GUARDED_BY(mutex_);
  uint64_t first_note_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace streamml::control
