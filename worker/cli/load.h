// From the command line to a checked job.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/disk.h"
#include "job/manifest/manifest.h"
#include "worker/cli/beginning.h"
#include "worker/cli/clusters.h"
#include "worker/cli/command_line.h"
#include "worker/plan/plan.h"

namespace streamml::cli {

// Reads and parses the manifest at `path`. NOT_FOUND or INVALID_ARGUMENT with one line for each
// mistake.
absl::StatusOr<manifest::Manifest> LoadManifest(const std::string& path);

struct Job {
  manifest::Manifest manifest;
  std::shared_ptr<Clusters> clusters;
  std::unique_ptr<Disk> disk;  // that the beginning is read from
  Beginning beginning;
  plan::JobPlan plan;
  std::string name;
  std::string data_dir;
  uint64_t state_memory = 0;  // bytes that values of states may take; 0: no bound
};

// Reads, validates, binds and plans. INVALID_ARGUMENT with one line for each mistake.
absl::StatusOr<Job> LoadJob(const CommandLine& line);

}  // namespace streamml::cli
