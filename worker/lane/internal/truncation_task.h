// The removal, in the background, of what a lane has said in its journal that it does not need.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "worker/lane/background.h"
#include "worker/lane/internal/journal_scan.h"
#include "worker/lane/internal/retention.h"
#include "worker/lane/lane.h"
#include "worker/log/log.h"

namespace streamml::lane::internal {

// What the lane needs when `base` is the oldest snapshot that counts.
log::Needs NeedsOf(const LaneSpec& spec, const KeptSnapshot& base);

class TruncationTask {
 public:
  // Starts. The journal must name the base by now. Spec and log must outlive the task.
  TruncationTask(const LaneSpec& spec, const KeptSnapshot& base, log::Log& log,
                 BackgroundRunner& background);

  bool done() const { return pending_->done(); }
  uint64_t base() const { return base_; }
  // Once done. An error costs nothing but disk.
  const absl::Status& result() const { return result_; }

 private:
  absl::Status Run(const LaneSpec& spec, log::Log& log);
  // Partitions that other lanes read, too, are cut where the last of them reads.
  absl::Status HeedOthers(const LaneSpec& spec, log::Log& log);

  const uint64_t base_;
  log::Needs needs_;
  absl::Status result_;
  std::unique_ptr<Pending> pending_;  // last: its end is awaited before the others go
};

}  // namespace streamml::lane::internal
