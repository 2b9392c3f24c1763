// Replay: executing a lane's journal again from its oldest position, in a clean process, and
// comparing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/hash.h"
#include "worker/lane/lane.h"
#include "worker/log/log.h"
#include "worker/state/snapshot_store.h"

namespace streamml::journal::v1 {
class Claim;
}  // namespace streamml::journal::v1

namespace streamml::lane {

// Where a replay begins: after the first `sequence` records, which it cannot execute: they are kept
// no longer (I5), or the last of them that computed something was written under another fingerprint
// (I3). 0: at the beginning.
struct ReplayStart {
  uint64_t sequence = 0;
  std::string fingerprint;  // theirs; empty: they are not kept
  // Where the first owner with the replay's fingerprint claimed the lane; 0: none did. The replay
  // begins before it, unless the snapshot that this owner went on from is lost.
  uint64_t first_own_claim = 0;
  // Of each of the lane's part files: the bytes that were committed before, and the digest of their
  // lines, chained one by one with their line ends.
  std::vector<uint64_t> sink_bytes;
  std::vector<Digest> sink_digests;
};

struct ReplayResult {
  uint64_t first_sequence = 1;  // oldest replayable position
  uint64_t last_sequence = 0;
  uint64_t num_commits = 0;
  uint64_t num_state_checks = 0;  // journalled state digests that were compared
  // Nothing was computed under another fingerprint, or the lane's last owner had this one.
  bool is_ours = true;
  Digest output_digest;
  Digest state_digest;
};

struct ReplayOptions {
  std::string fingerprint;
  uint64_t job_hash = 0;
  // Where a journal that crosses a change of fingerprint gets the state after it; null: nowhere.
  state::SnapshotStore* snapshots = nullptr;
  // Asked all along; may be empty.
  StopFunction stop = {};
  // Told once, before anything is received; an error ends the replay.
  std::function<absl::Status(const ReplayStart& start)> start;
  // Gets what each commit emitted to a sink, in order; an error ends the replay.
  std::function<absl::Status(size_t sink, std::string_view bytes)> receive;
};

// Executes all records of the lane's journal from the oldest replayable position on. DATA_LOSS
// names the first journal position where rows, part file lengths or state are not what the journal
// says; FAILED_PRECONDITION when the journal was written under another job or other inputs, or
// crosses a change of fingerprint, or has lost its beginning, without a snapshot after it;
// CANCELLED when stopped. Changes neither log nor snapshots nor part files; only the working copy
// of the snapshot store, which is empty afterwards.
absl::StatusOr<ReplayResult> Replay(const LaneSpec& spec, log::Log& log,
                                    const ReplayOptions& options);

// What a claim says of the job and the lane's inputs.
void DescribeClaim(const LaneSpec& spec, uint64_t job_hash, journal::v1::Claim& claim);

// Checks that a claim was made for this job and these input files.
absl::Status CheckClaim(const LaneSpec& spec, uint64_t job_hash,
                        const journal::v1::JournalRecord& record);

}  // namespace streamml::lane
