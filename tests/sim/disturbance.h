// Lives of a process that end by crashes, full disks and orderly stops, until one is let be.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "tests/sim/process.h"
#include "tests/sim/world.h"
#include "tests/support/model_disk.h"
#include "tests/support/random.h"
#include "worker/lane/restore_source.h"

namespace streamml::sim {

// Runs the job on a disk of its own; the last life is undisturbed.
class Disturbance {
 public:
  // With `restore` the job begins from there. All must outlive it.
  Disturbance(uint64_t seed, const World& world, bool trace, lane::RestoreSource* restore = nullptr)
      : random_(seed * 2 + 1), world_(world), trace_(trace), restore_(restore) {
    if (!random_.OneIn(3)) keeping_.keep_us = random_.Between(1'000'000, 151'000'000);
  }

  // What the job left; adds what happened.
  absl::StatusOr<Outcome> Run(std::set<std::string>& events);

 private:
  void PlanFault(bool last);
  absl::StatusOr<bool> Live(bool last, std::set<std::string>& events);
  absl::Status NoteFault(const absl::Status& status, std::set<std::string>& events) const;

  support::Random random_;
  const World& world_;
  const bool trace_;
  lane::RestoreSource* const restore_;
  support::ModelDisk disk_;
  uint64_t fault_at_ = 0;
  support::DiskAction fault_ = support::DiskAction::kStop;
  std::unique_ptr<Process> process_;  // the life that is being lived
  std::string struck_;
  Phase struck_phase_ = Phase::kOpenLog;
  bool struck_under_way_ = false;
  bool struck_truncating_ = false;
  bool truncating_ = false;  // the last operation removed a file of the log
  Keeping keeping_;
  int fingerprint_ = 0;
  Outcome outcome_;
};

}  // namespace streamml::sim
