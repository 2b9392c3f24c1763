// Jobs whose lanes do at once what they are told, or not until a test says so.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "worker/control/job_lanes.h"

namespace streamml::control {

// Thread-safe. Outlives the lanes that it makes.
class FakeJobs final : public JobMaker {
 public:
  absl::StatusOr<fleet::v1::PlanReply> Plan(const fleet::v1::PlanRequest& request) override;
  absl::StatusOr<OpenedJob> Open(const fleet::v1::JobRef& job,
                                 const std::string& manifest) override;

  // From now on Open fails so; OK: it does not.
  void SetOpenError(absl::Status status);
  // Lanes of the job that was opened last are told so, or do so.
  void SetFacts(std::vector<lane::LaneFacts> facts);
  // What Snapshot gives from now on, whatever it is asked for.
  void SetSnapshots(absl::StatusOr<std::vector<lane::LaneSnapshot>> snapshots);
  std::map<uint32_t, lane::Role> roles() const;
  uint64_t epoch() const;
  int num_opened() const;
  int num_stopped() const;
  // Stop() of lanes does not return before Release().
  void HoldStops();
  void Release();
  // Waits until somebody is in Stop().
  void AwaitStop();

 private:
  class Lanes;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  absl::Status open_error_ ABSL_GUARDED_BY(mutex_);
  std::map<uint32_t, lane::Role> roles_ ABSL_GUARDED_BY(mutex_);
  std::vector<lane::LaneFacts> facts_ ABSL_GUARDED_BY(mutex_);
  absl::StatusOr<std::vector<lane::LaneSnapshot>> snapshots_ ABSL_GUARDED_BY(mutex_) =
      std::vector<lane::LaneSnapshot>();
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  int num_opened_ ABSL_GUARDED_BY(mutex_) = 0;
  int num_stopped_ ABSL_GUARDED_BY(mutex_) = 0;
  int num_stopping_ ABSL_GUARDED_BY(mutex_) = 0;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
};

// An assignment of such a job; by lane, whether the worker is to own it or to follow.
fleet::v1::AssignRequest FakeAssignment(uint64_t epoch, const std::string& worker,
                                        const std::map<uint32_t, bool>& owned);

}  // namespace streamml::control
