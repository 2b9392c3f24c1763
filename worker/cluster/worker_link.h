// The coordinator's end of the Fleet protocol, to one life of one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/streamml/fleet/v1/fleet.pb.h"
#include "worker/cluster/bell.h"

namespace streamml::cluster {

// Threads of its own listen and send; the bell is rung when there is something to look at.
// Thread-safe.
class WorkerLink {
 public:
  // `address` as gRPC has it; where nobody listens yet it is tried again and again. The bell must
  // outlive the link.
  static std::unique_ptr<WorkerLink> Open(const std::string& address, Bell& bell,
                                          int64_t send_retry_us = kSendRetryUs);
  static constexpr int64_t kSendRetryUs = 500'000;
  virtual ~WorkerLink() = default;

  struct Heard {
    fleet::v1::Observation observation;
    int64_t time_us = 0;  // when it came, by the system's monotonic clock
  };
  // The newest, if any has come since the last call.
  virtual std::optional<Heard> TakeHeard() = 0;
  // Notes of the worker since the last call.
  virtual std::vector<std::string> TakeNotes() = 0;
  // Is sent until it is accepted, or replaced by a later one, or can never be accepted: an epoch
  // that is out of date, another job or worker. After a refusal again later and later, up to a
  // minute. The same as before is not sent twice.
  virtual void Send(const fleet::v1::AssignRequest& request) = 0;
  // Why the last assignment was refused; not again until there is another reason.
  virtual absl::Status TakeRefusal() = 0;
  // The highest epoch that a refusal said the worker has accepted; 0: none did.
  virtual uint64_t known_epoch() const = 0;
  // Asks once for the plan of a manifest; TakePlan() has the answer when it has come.
  virtual void AskPlan(const fleet::v1::PlanRequest& request) = 0;
  virtual std::optional<absl::StatusOr<fleet::v1::PlanReply>> TakePlan() = 0;
};

}  // namespace streamml::cluster
