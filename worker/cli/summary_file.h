// Where the summary goes: --summary FILE.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/disk.h"
#include "worker/cli/load.h"

namespace streamml::cli {

// INVALID_ARGUMENT when the summary of `job` cannot or must not be written to `path`: a folder; a
// folder that is missing, and is not made with the data folder, or is not writable; a file that
// would be lost because it is no earlier summary (a manifest); an input; a place in the folder of a
// sink or of the job's state. OK for a pipe or device. Leaves nothing behind.
absl::Status CheckSummaryPlace(const Job& job, Disk& disk, const std::string& path);

// Writes `json` to `path`: a regular file is replaced in one step (behind a symbolic link, the file
// it names); a pipe or device is written to. INVALID_ARGUMENT
// when it has meanwhile become a file that is no summary.
absl::Status WriteSummary(Disk& disk, const std::string& path, std::string_view json);

}  // namespace streamml::cli
