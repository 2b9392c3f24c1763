// Reading a lane's journal from its start, one record at a time: memory does not grow with the
// journal.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/hash.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/lane.h"
#include "worker/log/log.h"
#include "worker/state/snapshot_store.h"

namespace streamml::lane::internal {

// Parses and checks each record. One thread.
class JournalCursor {
 public:
  // The spec must outlive the cursor.
  static absl::StatusOr<JournalCursor> Open(log::Log& log, const LaneSpec& spec,
                                            const log::Position& start = {});
  // Goes to the next record; false at the end. DATA_LOSS for one that cannot be understood or does
  // not stand at its place.
  absl::StatusOr<bool> Next();

  const journal::v1::JournalRecord& record() const { return record_; }
  const std::string& bytes() const { return bytes_; }
  const log::Position& next() const { return next_; }  // after the record

 private:
  JournalCursor(std::unique_ptr<log::JournalReader> reader, const LaneSpec& spec,
                const log::Position& start)
      : reader_(std::move(reader)), spec_(&spec), sequence_(start.sequence - 1), next_(start) {}

  std::unique_ptr<log::JournalReader> reader_;
  const LaneSpec* spec_;  // never null
  std::string bytes_;
  journal::v1::JournalRecord record_;
  uint64_t sequence_;  // of the last record
  log::Position next_;
};

// Who reads: what a claim must say to be ours.
struct Owner {
  std::string fingerprint;
  uint64_t job_hash = 0;
  StopFunction stop;  // asked between records
};

// What must be known of a journal before anything is restored or deleted.
struct JournalScan {
  uint64_t num_records = 0;
  log::Position end;  // after the last record
  Digest history;     // chained over all records
  // The same after the records that snapshots were taken after.
  struct Place {
    Digest history;
    log::Position next;
    std::string fingerprint;  // of the last claim before
  };
  std::map<uint64_t, Place> places;
  // The last position that was computed under another fingerprint than the reader's, and that
  // fingerprint; 0 where there is none. What comes up to there cannot be replayed (I3).
  uint64_t last_foreign = 0;
  std::string foreign_fingerprint;
  uint64_t first_own_claim = 0;  // the reader's first claim after it, 0: none
  // Of the first records, where the incarnation begins from a savepoint; the position of the last
  // of them once it is there. What comes up to there cannot be replayed either: it is last_foreign.
  std::optional<journal::v1::Restored> restored;
  uint64_t restored_at = 0;
  uint64_t assignment = 0;       // the latest that the lane was claimed under, 0: none
  std::string last_fingerprint;  // of the last claim

  // The journal's digest at the snapshot's position is the snapshot's (I6).
  bool Shows(const state::SnapshotKey& key) const;
  // The snapshot may be replayed from: the journal shows it, and all that was computed after it was
  // computed under the reader's fingerprint.
  bool CanStartFrom(const state::SnapshotKey& key) const;
};

// Reads the whole journal once and checks that every claim was made for this job and these files.
// CANCELLED when the owner wants to stop.
absl::StatusOr<JournalScan> ScanJournal(const LaneSpec& spec, log::Log& log, const Owner& owner,
                                        const std::vector<state::SnapshotInfo>& snapshots);

// The commit processed something, given the frontier before it. One that only tells of a snapshot
// or of the end computes nothing.
bool Computes(const journal::v1::Commit& commit, int64_t frontier_before);

}  // namespace streamml::lane::internal
