// What a worker's service needs of jobs and their lanes: a seam. worker/main has the real one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/streamml/fleet/v1/fleet.pb.h"
#include "worker/lane/host.h"

namespace streamml::control {

// The lanes of one job on this worker. Thread-safe. All as lane::LaneHost.
class JobLanes {
 public:
  virtual ~JobLanes() = default;
  virtual absl::Status Assign(uint64_t epoch, const std::map<uint32_t, lane::Role>& lanes) = 0;
  virtual std::vector<lane::LaneFacts> Facts() const = 0;
  virtual uint64_t version() const = 0;
  virtual void AwaitChange(uint64_t seen, int64_t timeout_us) = 0;
  virtual absl::StatusOr<std::vector<lane::LaneSnapshot>> Snapshot(
      const std::vector<uint32_t>& lanes, int64_t timeout_us) = 0;
  // The same, and each lane's part of the savepoint that is named is written. (A seventh: what is
  // written where is no matter of lane::LaneHost.)
  virtual absl::StatusOr<fleet::v1::SnapshotReply> TakeParts(
      const fleet::v1::SnapshotRequest& /*request*/, int64_t /*timeout_us*/) {
    return absl::UnimplementedError("no savepoints");
  }
  // Lets go of all lanes and ends; from then on only Facts().
  virtual void Stop() = 0;
};

struct OpenedJob {
  fleet::v1::PlanReply plan;  // without mistakes
  std::unique_ptr<JobLanes> lanes;
};

// Plans jobs and makes their lanes. Thread-safe.
class JobMaker {
 public:
  virtual ~JobMaker() = default;
  // Mistakes of the manifest are in the reply. UNAVAILABLE when brokers do not answer.
  virtual absl::StatusOr<fleet::v1::PlanReply> Plan(const fleet::v1::PlanRequest& request) = 0;
  // A job without any lane yet. INVALID_ARGUMENT when the manifest is wrong, or is not one of this
  // job; UNAVAILABLE when brokers do not answer; FAILED_PRECONDITION when its topics are not safe.
  virtual absl::StatusOr<OpenedJob> Open(const fleet::v1::JobRef& job,
                                         const std::string& manifest) = 0;
};

}  // namespace streamml::control
