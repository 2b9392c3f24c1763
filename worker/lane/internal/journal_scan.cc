#include "worker/lane/internal/journal_scan.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/lane/replay.h"

namespace streamml::lane::internal {

absl::StatusOr<JournalCursor> JournalCursor::Open(log::Log& log, uint32_t lane) {
  ASSIGN_OR_RETURN(std::unique_ptr<log::JournalReader> reader, log.OpenJournal(lane));
  return JournalCursor(std::move(reader));
}

absl::StatusOr<bool> JournalCursor::Next() {
  ASSIGN_OR_RETURN(std::optional<log::JournalEntry> entry, reader_->Next());
  if (!entry.has_value()) return false;
  bytes_ = std::move(entry->record);
  RETURN_IF_ERROR(ParseRecord(bytes_, record_));
  ++sequence_;
  if (record_.sequence() == sequence_) return true;
  return absl::DataLossError(
      absl::StrCat("journal record ", sequence_, " says it is ", record_.sequence()));
}

bool JournalScan::Shows(const state::SnapshotKey& key) const {
  const auto found = histories.find(key.sequence);
  return found != histories.end() && found->second == key.history;
}

absl::StatusOr<JournalScan> ScanJournal(const LaneSpec& spec, log::Log& log, uint64_t job_hash,
                                        const std::vector<state::SnapshotInfo>& snapshots) {
  std::map<uint64_t, Digest> wanted;
  for (const state::SnapshotInfo& snapshot : snapshots) wanted[snapshot.key.sequence] = {};
  JournalScan scan;
  ASSIGN_OR_RETURN(JournalCursor cursor, JournalCursor::Open(log, spec.index));
  while (true) {
    if (wanted.contains(scan.num_records)) scan.histories[scan.num_records] = scan.history;
    ASSIGN_OR_RETURN(const bool more, cursor.Next());
    if (!more) return scan;
    if (cursor.record().has_claim()) RETURN_IF_ERROR(CheckClaim(spec, job_hash, cursor.record()));
    scan.history.Chain(cursor.bytes());
    ++scan.num_records;
  }
}

}  // namespace streamml::lane::internal
