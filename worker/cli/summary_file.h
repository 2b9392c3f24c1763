// Where the summary goes: --summary FILE.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/disk.h"

namespace streamml::cli {

// INVALID_ARGUMENT when `path` is a file that is not an earlier summary (a manifest, an input, an
// output): it would be lost. OK for what is missing, empty, a summary, or no regular file.
absl::Status CheckSummaryFile(const std::string& path);

// Writes `json` to `path`: a regular file is replaced in one step (behind a symbolic link, the file
// it names); a pipe or device is written to. Checks as CheckSummaryFile first.
absl::Status WriteSummary(Disk& disk, const std::string& path, std::string_view json);

}  // namespace streamml::cli
