// Commands to a running coordinator, and their way to it: a socket in the job's data folder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "proto/streamml/fleet/v1/cluster.pb.h"
#include "worker/cluster/bell.h"

namespace streamml::cluster {

// Between those who give commands and the coordinator's loop. Thread-safe. The bell must outlive
// it.
class Desk {
 public:
  explicit Desk(Bell& bell) : bell_(bell) {}

  void Resize(uint32_t num_workers);
  void Upgrade(const std::string& program);
  void Stop();
  // As of now; UNAVAILABLE when the loop does not answer in time.
  absl::StatusOr<fleet::v1::StatusReply> Status();

  // The loop's side.
  std::optional<uint32_t> TakeResize();
  std::optional<std::string> TakeUpgrade();
  bool stop_asked() const;
  bool status_asked() const;
  void Answer(fleet::v1::StatusReply status);

 private:
  Bell& bell_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  std::optional<uint32_t> resize_ ABSL_GUARDED_BY(mutex_);
  std::optional<std::string> upgrade_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t num_asked_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t num_answered_ ABSL_GUARDED_BY(mutex_) = 0;
  fleet::v1::StatusReply status_ ABSL_GUARDED_BY(mutex_);
};

// Serves the Cluster protocol in a job's data folder.
class DeskServer {
 public:
  // The desk must outlive it. UNAVAILABLE when the socket cannot be made.
  static absl::StatusOr<std::unique_ptr<DeskServer>> Start(const std::string& data_dir, Desk& desk);
  virtual ~DeskServer() = default;
};

// Commands to the cluster that runs with `data_dir`. NOT_FOUND when none does; else as
// cluster.proto says.
absl::StatusOr<fleet::v1::StatusReply> AskStatus(const std::string& data_dir);
absl::Status AskResize(const std::string& data_dir, uint32_t num_workers);
absl::Status AskUpgrade(const std::string& data_dir, const std::string& program);
absl::Status AskStop(const std::string& data_dir);
absl::StatusOr<fleet::v1::TakeSnapshotsReply> AskSnapshots(
    const std::string& data_dir, const fleet::v1::TakeSnapshotsRequest& request);

}  // namespace streamml::cluster
