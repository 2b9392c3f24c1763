// Reading a lane's journal from its start, one record at a time: memory does not grow with the
// journal.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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
  static absl::StatusOr<JournalCursor> Open(log::Log& log, uint32_t lane);
  // Goes to the next record; false at the end. DATA_LOSS for one that cannot be understood or does
  // not stand at its place.
  absl::StatusOr<bool> Next();

  const journal::v1::JournalRecord& record() const { return record_; }
  const std::string& bytes() const { return bytes_; }

 private:
  explicit JournalCursor(std::unique_ptr<log::JournalReader> reader) : reader_(std::move(reader)) {}

  std::unique_ptr<log::JournalReader> reader_;
  std::string bytes_;
  journal::v1::JournalRecord record_;
  uint64_t sequence_ = 0;
};

// What must be known of a journal before anything is restored or deleted.
struct JournalScan {
  uint64_t num_records = 0;
  Digest history;                        // chained over all records
  std::map<uint64_t, Digest> histories;  // the same, at the positions of snapshots

  // The journal's digest at the snapshot's position is the snapshot's (I6).
  bool Shows(const state::SnapshotKey& key) const;
};

// Reads the whole journal once and checks that every claim was made for this job and these files.
absl::StatusOr<JournalScan> ScanJournal(const LaneSpec& spec, log::Log& log, uint64_t job_hash,
                                        const std::vector<state::SnapshotInfo>& snapshots);

}  // namespace streamml::lane::internal
