// Replay: executing a lane's journal again from its oldest position, in a clean process, and
// comparing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/hash.h"
#include "worker/lane/lane.h"
#include "worker/log/log.h"

namespace streamml::lane {

struct ReplayResult {
  uint64_t first_sequence = 1;  // oldest replayable position
  uint64_t last_sequence = 0;
  uint64_t num_commits = 0;
  uint64_t num_state_checks = 0;  // journalled state digests that were compared
  Digest output_digest;
  Digest state_digest;
};

struct ReplayOptions {
  std::string fingerprint;
  uint64_t job_hash = 0;
  // Gets what each commit emitted to a sink, in order; an error ends the replay.
  std::function<absl::Status(size_t sink, std::string_view bytes)> receive;
};

// Executes all records of the lane's journal from the first on. DATA_LOSS names the first journal
// position where rows, part file lengths or state are not what the journal says;
// FAILED_PRECONDITION when the journal was written under another job, other inputs or another
// fingerprint. Reads the log only.
absl::StatusOr<ReplayResult> Replay(const LaneSpec& spec, log::Log& log,
                                    const ReplayOptions& options);

// Checks that a claim was made for this job and these input files.
absl::Status CheckClaim(const LaneSpec& spec, uint64_t job_hash,
                        const journal::v1::JournalRecord& record);

}  // namespace streamml::lane
