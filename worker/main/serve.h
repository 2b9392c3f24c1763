// A worker's life as a process.
#pragma once

#include "absl/status/status.h"
#include "base/disk.h"
#include "worker/main/command_line.h"

namespace streamml::worker {

// Serves until a signal asks for the end. Never returns when letting go takes longer than the
// grace: then the process ends with cli::kExitFailed.
absl::Status Serve(const WorkerLine& line, Disk& disk);

}  // namespace streamml::worker
