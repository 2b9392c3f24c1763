#include "worker/lane/internal/journal_scan.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/lane/replay.h"

namespace streamml::lane::internal {

absl::StatusOr<JournalCursor> JournalCursor::Open(log::Log& log, const LaneSpec& spec,
                                                  const log::Position& start) {
  ASSIGN_OR_RETURN(std::unique_ptr<log::JournalReader> reader, log.OpenJournal(spec.index, start));
  return JournalCursor(std::move(reader), spec, start);
}

absl::StatusOr<bool> JournalCursor::Next() {
  ASSIGN_OR_RETURN(std::optional<log::JournalEntry> entry, reader_->Next());
  if (!entry.has_value()) return false;
  bytes_ = std::move(entry->record);
  next_ = entry->next;
  ++sequence_;
  const auto place = [this] {
    return absl::StrCat("journal position ", sequence_, " of lane ", spec_->name);
  };
  if (const absl::Status parsed = ParseRecord(bytes_, record_); !parsed.ok()) {
    return Annotate(parsed, place());
  }
  if (record_.sequence() == sequence_) return true;
  return absl::DataLossError(absl::StrCat(
      place(), ": the record there says it is ", record_.sequence(),
      "; way out: put the journal back as it was, or start over in an empty data folder"));
}

bool JournalScan::Shows(const state::SnapshotKey& key) const {
  const auto found = places.find(key.sequence);
  return found != places.end() && found->second.history == key.history;
}

bool JournalScan::CanStartFrom(const state::SnapshotKey& key) const {
  return key.sequence >= last_foreign && Shows(key);
}

bool Computes(const journal::v1::Commit& commit, int64_t frontier_before) {
  return commit.reads_size() > 0 || commit.frontier() != frontier_before;
}

namespace {

// Only at the beginning, all of one savepoint, in order.
absl::Status NoteRestored(const journal::v1::JournalRecord& record, JournalScan& scan) {
  const journal::v1::Restored& restored = record.restored();
  const bool is_first = scan.num_records == 1;
  if (restored.number() != scan.num_records || restored.number() > restored.total() ||
      is_first == scan.restored.has_value() ||
      (!is_first && (scan.restored->digest() != restored.digest() ||
                     scan.restored->total() != restored.total()))) {
    return absl::DataLossError(absl::StrCat(
        "journal position ", scan.num_records, ": a record of savepoint '", restored.savepoint(),
        "' that does not belong there; way out: put the journal back as it was"));
  }
  scan.restored = restored;
  if (restored.number() < restored.total()) return absl::OkStatus();
  scan.restored_at = scan.last_foreign = scan.num_records;
  scan.foreign_fingerprint = absl::StrCat("savepoint '", restored.savepoint(), "'");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JournalScan> ScanJournal(const LaneSpec& spec, log::Log& log, const Owner& owner,
                                        const std::vector<state::SnapshotInfo>& snapshots) {
  std::set<uint64_t> wanted;
  for (const state::SnapshotInfo& snapshot : snapshots) wanted.insert(snapshot.key.sequence);
  JournalScan scan;
  int64_t frontier = data::kMinTime;
  ASSIGN_OR_RETURN(JournalCursor cursor, JournalCursor::Open(log, spec));
  while (true) {
    RETURN_IF_ERROR(CheckStop(owner.stop));
    if (wanted.contains(scan.num_records)) {
      scan.places[scan.num_records] = {scan.history, scan.end, scan.last_fingerprint};
    }
    ASSIGN_OR_RETURN(const bool more, cursor.Next());
    if (!more) return scan;
    scan.history.Chain(cursor.bytes());
    ++scan.num_records;
    scan.end = cursor.next();
    const journal::v1::JournalRecord& record = cursor.record();
    if (record.has_claim()) {
      RETURN_IF_ERROR(CheckClaim(spec, owner.job_hash, record));
      scan.last_fingerprint = record.claim().fingerprint();
      scan.assignment = std::max(scan.assignment, record.claim().assignment());
      if (scan.last_fingerprint == owner.fingerprint && scan.first_own_claim == 0)
        scan.first_own_claim = scan.num_records;
      continue;
    }
    if (record.has_restored()) {
      RETURN_IF_ERROR(NoteRestored(record, scan));
      frontier = record.restored().frontier();
      continue;
    }
    if (Computes(record.commit(), frontier) && scan.last_fingerprint != owner.fingerprint) {
      scan.last_foreign = scan.num_records;
      scan.foreign_fingerprint = scan.last_fingerprint;
      scan.first_own_claim = 0;
    }
    frontier = record.commit().frontier();
  }
}

}  // namespace streamml::lane::internal
