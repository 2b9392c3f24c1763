// Reading a lane's journal, one record at a time and only as much of it as is needed: memory does
// not grow with the journal, and what came before a snapshot is known from the snapshot.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/hash.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/internal/provenance.h"
#include "worker/lane/lane.h"
#include "worker/log/log.h"
#include "worker/state/snapshot_store.h"

namespace streamml::lane::internal {

// Parses and checks each record. One thread.
class JournalCursor {
 public:
  // From behind a record on, up to which the journal's digest is `history`. The spec must outlive
  // the cursor.
  static absl::StatusOr<JournalCursor> Open(log::Log& log, const LaneSpec& spec,
                                            const log::Position& start, const Digest& history);
  // From the beginning of what is kept, whatever its number.
  static absl::StatusOr<JournalCursor> OpenKept(log::Log& log, const LaneSpec& spec);
  // Goes to the next record; false at the end. DATA_LOSS for one that cannot be understood, does
  // not stand at its place, or follows others than those before it; OUT_OF_RANGE as the log's
  // reader.
  absl::StatusOr<bool> Next();

  const journal::v1::JournalRecord& record() const { return record_; }
  const std::string& bytes() const { return bytes_; }
  const log::Position& next() const { return next_; }  // after the record
  // Chained over all records up to this one.
  const Digest& history() const { return history_; }

 private:
  JournalCursor(std::unique_ptr<log::JournalReader> reader, const LaneSpec& spec,
                const log::Position& start, const Digest& history)
      : reader_(std::move(reader)),
        spec_(&spec),
        sequence_(start.sequence - 1),
        next_(start),
        history_(history) {}
  absl::Status CheckPlace();

  std::unique_ptr<log::JournalReader> reader_;
  const LaneSpec* spec_;  // never null
  std::string bytes_;
  journal::v1::JournalRecord record_;
  uint64_t sequence_;  // of the last record
  log::Position next_;
  Digest history_;
  bool takes_any_ = false;  // the next record may have any number
};

// Who reads: what a claim must say to be ours.
struct Owner {
  std::string fingerprint;
  uint64_t job_hash = 0;
  StopFunction stop;  // asked between records
};

// What the records up to some place in a journal say.
struct Past {
  int64_t frontier = data::kMinTime;
  journal::v1::Claim claim;  // the last one
  Provenance provenance;
  // The last record of the savepoint that the incarnation began from, number() 0 where it did not.
  // What comes up to it cannot be replayed: it was not computed here.
  journal::v1::Restored restored;
  // What the lane has said that it needs (I5); its sequence is 0 where it needs all.
  journal::v1::Retained retained;

  void Note(const journal::v1::JournalRecord& record);
};

// A place between two records of a journal, and what there is to know of those before it.
struct JournalPlace {
  uint64_t sequence = 0;    // of the last record before it; 0: the beginning
  log::Position record;     // where that stands
  log::Position next;       // behind it; known once it was found
  Digest history;           // chained up to it
  uint64_t assignment = 0;  // the latest that the lane was claimed under
  bool finished = false;    // that record says that the lane has; known once it was found
  Past past;
};

// Where a snapshot was taken. DATA_LOSS when its engine state is not of this build.
absl::StatusOr<JournalPlace> PlaceOf(const state::SnapshotInfo& snapshot);

// Completes a place that a snapshot tells; false when the journal does not show there what the
// place says (I6): it is another journal's, or it does not reach so far back any more.
absl::StatusOr<bool> FindPlace(log::Log& log, const LaneSpec& spec, JournalPlace& place);

// The place of a snapshot that the journal shows; nullopt for others, and for those whose engine
// state is not of this build.
absl::StatusOr<std::optional<JournalPlace>> FindShown(log::Log& log, const LaneSpec& spec,
                                                      const state::SnapshotInfo& snapshot);

// What must be known of a journal before anything is restored or deleted.
struct JournalScan {
  uint64_t first = 0;        // number of the first record that was read; 0: there was none
  uint64_t num_records = 0;  // number of the last record
  Past past;                 // up to it
  // The last position that was computed under another fingerprint than the reader's, and that
  // fingerprint; 0 where there is none. What comes up to there cannot be replayed (I3).
  uint64_t last_foreign = 0;
  std::string foreign_fingerprint;
  uint64_t first_own_claim = 0;  // the reader's first claim after it that was read, 0: none
  uint64_t assignment = 0;       // the latest that the lane was claimed under, 0: none
};

// Reads the journal from a place on, once, and checks that every claim was made for this job and
// these files. An empty place is the beginning of what is kept. CANCELLED when the owner wants to
// stop.
absl::StatusOr<JournalScan> ScanJournal(const LaneSpec& spec, log::Log& log, const Owner& owner,
                                        const JournalPlace& from);

// What the lane's last record says that it needs.
absl::StatusOr<journal::v1::Retained> LastRetained(log::Log& log, uint32_t lane);

// The commit processed something, given the frontier before it. One that only tells of a snapshot
// or of the end computes nothing.
bool Computes(const journal::v1::Commit& commit, int64_t frontier_before);

}  // namespace streamml::lane::internal
