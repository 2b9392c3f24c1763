// Jobs as a worker runs them: planned here, on Kafka, with snapshots in the worker's data folder.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/disk.h"
#include "worker/control/job_lanes.h"
#include "worker/lane/run.h"

namespace streamml::worker {

struct JobsOptions {
  std::string worker;           // its name, for people who read journals
  std::string snapshot_folder;  // of all jobs
  std::string output_folder;    // of part files, which workers do not write yet
  // snapshot_interval_us below 0: as the manifest says.
  lane::RunOptions run;
  uint64_t state_memory = 0;  // bytes that values of states may take; 0: no bound
  // Asked while brokers are waited for; true: waits end soon.
  std::function<bool()> give_up;
  std::function<void(const std::string& note)> note;
};

// Thread-safe. Must outlive the lanes that it makes; so must the disk.
std::unique_ptr<control::JobMaker> MakeJobs(JobsOptions options, Disk& disk);

}  // namespace streamml::worker
