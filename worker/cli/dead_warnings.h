// A source whose records mostly cannot be read is described wrongly in the manifest.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/disk.h"
#include "worker/cli/accounting.h"
#include "worker/cli/load.h"

namespace streamml::cli {

// One sentence for each stage of a source more than a tenth of whose records are dead, with the
// first reason and its place as the dead letters tell them. `counts` by stage.
absl::StatusOr<std::vector<std::string>> DeadWarnings(const Job& job,
                                                      const std::vector<StageCounts>& counts,
                                                      Disk& disk);

}  // namespace streamml::cli
