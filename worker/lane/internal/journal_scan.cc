#include "worker/lane/internal/journal_scan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/lane/executor.h"
#include "worker/lane/internal/digest_bytes.h"
#include "worker/lane/replay.h"

namespace streamml::lane::internal {

absl::StatusOr<JournalCursor> JournalCursor::Open(log::Log& log, const LaneSpec& spec,
                                                  const log::Position& start,
                                                  const Digest& history) {
  ASSIGN_OR_RETURN(std::unique_ptr<log::JournalReader> reader, log.OpenJournal(spec.index, start));
  return JournalCursor(std::move(reader), spec, start, history);
}

absl::StatusOr<JournalCursor> JournalCursor::OpenKept(log::Log& log, const LaneSpec& spec) {
  ASSIGN_OR_RETURN(JournalCursor cursor, Open(log, spec, {}, {}));
  cursor.takes_any_ = true;
  return cursor;
}

absl::StatusOr<bool> JournalCursor::Next() {
  ASSIGN_OR_RETURN(std::optional<log::JournalEntry> entry, reader_->Next());
  if (!entry.has_value()) return false;
  bytes_ = std::move(entry->record);
  next_ = entry->next;
  if (!takes_any_ && entry->sequence != sequence_ + 1) {
    return absl::OutOfRangeError(absl::StrCat("journal of lane ", spec_->name, ": record ",
                                              sequence_ + 1, " is wanted, and what is kept begins ",
                                              "with record ", entry->sequence));
  }
  sequence_ = entry->sequence;
  RETURN_IF_ERROR(Annotate(CheckPlace(),
                           absl::StrCat("journal position ", sequence_, " of lane ", spec_->name)));
  history_.Chain(bytes_);
  takes_any_ = false;
  return true;
}

// Records of earlier builds do not say what they follow.
absl::Status JournalCursor::CheckPlace() {
  RETURN_IF_ERROR(ParseRecord(bytes_, record_));
  constexpr std::string_view kWayOut =
      "; way out: put the journal back as it was, or start over in an empty data folder";
  if (record_.sequence() != sequence_) {
    return absl::DataLossError(
        absl::StrCat("the record there says it is ", record_.sequence(), kWayOut));
  }
  if (record_.history().empty()) return absl::OkStatus();
  const Digest before = FromBytes(record_.history());
  if (takes_any_ && sequence_ > 1) history_ = before;
  if (before == history_) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the record there follows records of digest ",
                                          before.ToHex(), ", and those before it have ",
                                          history_.ToHex(), kWayOut));
}

bool Computes(const journal::v1::Commit& commit, int64_t frontier_before) {
  return commit.reads_size() > 0 || commit.frontier() != frontier_before;
}

absl::StatusOr<JournalPlace> PlaceOf(const state::SnapshotInfo& snapshot) {
  journal::v1::LaneState engine;
  if (!engine.ParseFromString(snapshot.engine)) {
    return absl::DataLossError("engine state cannot be parsed");
  }
  if (engine.version() != Executor::kStateVersion) return Executor::DoesNotFit(engine);
  JournalPlace place;
  place.sequence = snapshot.key.sequence;
  place.record = {snapshot.key.sequence, engine.record_bytes()};
  place.history = snapshot.key.history;
  place.assignment = engine.assignment();
  place.past.frontier = engine.frontier();
  place.past.claim = engine.claim();
  place.past.provenance = Provenance(engine.provenance());
  place.past.restored = engine.restored();
  return place;
}

void Past::Note(const journal::v1::JournalRecord& record) {
  retained = record.retained();
  if (record.has_claim()) {
    claim = record.claim();
    provenance.NoteClaim(claim.fingerprint());
    return;
  }
  if (record.has_restored()) {
    restored = record.restored();
    frontier = restored.frontier();
    provenance.NoteClaim(absl::StrCat("savepoint '", restored.savepoint(), "'"));
    provenance.NoteComputed(record.sequence());
    return;
  }
  if (Computes(record.commit(), frontier)) provenance.NoteComputed(record.sequence());
  frontier = record.commit().frontier();
}

absl::StatusOr<bool> FindPlace(log::Log& log, const LaneSpec& spec, JournalPlace& place) {
  const auto read = [&]() -> absl::StatusOr<std::optional<log::JournalEntry>> {
    ASSIGN_OR_RETURN(const std::unique_ptr<log::JournalReader> reader,
                     log.OpenJournal(spec.index, place.record));
    return reader->Next();
  };
  const absl::StatusOr<std::optional<log::JournalEntry>> entry = read();
  // Damage is found again by whoever reads on from an earlier place.
  if (absl::IsOutOfRange(entry.status()) || absl::IsDataLoss(entry.status())) return false;
  RETURN_IF_ERROR(entry.status());
  if (!entry->has_value() || (*entry)->sequence != place.sequence) return false;
  journal::v1::JournalRecord record;
  if (!ParseRecord((*entry)->record, record).ok()) return false;
  if (record.history().size() != sizeof(Digest)) return false;
  Digest history = FromBytes(record.history());
  history.Chain((*entry)->record);
  place.next = (*entry)->next;
  place.past.retained = record.retained();
  place.finished = record.commit().finished();
  return history == place.history;
}

absl::StatusOr<std::optional<JournalPlace>> FindShown(log::Log& log, const LaneSpec& spec,
                                                      const state::SnapshotInfo& snapshot) {
  absl::StatusOr<JournalPlace> place = PlaceOf(snapshot);
  if (!place.ok()) return std::nullopt;
  ASSIGN_OR_RETURN(const bool is_shown, FindPlace(log, spec, *place));
  if (!is_shown) return std::nullopt;
  return *std::move(place);
}

namespace {

// Only at the beginning, all of one savepoint, in order.
absl::Status CheckRestored(const journal::v1::JournalRecord& record, bool is_first,
                           const journal::v1::Restored& last) {
  const journal::v1::Restored& restored = record.restored();
  const bool goes_on =
      is_first || (last.number() + 1 == restored.number() && last.digest() == restored.digest() &&
                   last.total() == restored.total());
  if (goes_on && restored.number() == record.sequence() && restored.number() <= restored.total()) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(
      "journal position ", record.sequence(), ": a record of savepoint '", restored.savepoint(),
      "' that does not belong there; way out: put the journal back as it was"));
}

}  // namespace

absl::StatusOr<JournalScan> ScanJournal(const LaneSpec& spec, log::Log& log, const Owner& owner,
                                        const JournalPlace& from) {
  JournalScan scan;
  scan.num_records = from.sequence;
  scan.assignment = from.assignment;
  scan.past = from.past;
  if (!from.past.claim.fingerprint().empty()) {
    journal::v1::JournalRecord claimed;
    *claimed.mutable_claim() = from.past.claim;
    RETURN_IF_ERROR(CheckClaim(spec, owner.job_hash, claimed));
  }
  ASSIGN_OR_RETURN(JournalCursor cursor,
                   from.sequence == 0 ? JournalCursor::OpenKept(log, spec)
                                      : JournalCursor::Open(log, spec, from.next, from.history));
  while (true) {
    RETURN_IF_ERROR(CheckStop(owner.stop));
    ASSIGN_OR_RETURN(const bool more, cursor.Next());
    if (!more) break;
    const journal::v1::JournalRecord& record = cursor.record();
    scan.num_records = record.sequence();
    if (scan.first == 0) scan.first = record.sequence();
    if (record.has_restored()) {
      // The first ones may not be kept.
      const bool is_first = from.sequence == 0 && scan.first == record.sequence();
      RETURN_IF_ERROR(CheckRestored(record, is_first, scan.past.restored));
    }
    const bool computes = record.has_commit() && Computes(record.commit(), scan.past.frontier);
    scan.past.Note(record);
    const bool is_own = scan.past.provenance.claimed() == owner.fingerprint;
    if (computes && !is_own) scan.first_own_claim = 0;
    if (!record.has_claim()) continue;
    RETURN_IF_ERROR(CheckClaim(spec, owner.job_hash, record));
    scan.assignment = std::max(scan.assignment, record.claim().assignment());
    if (is_own && scan.first_own_claim == 0) scan.first_own_claim = record.sequence();
  }
  scan.last_foreign = scan.past.provenance.LastForeign(owner.fingerprint);
  scan.foreign_fingerprint = scan.past.provenance.Foreign(owner.fingerprint);
  return scan;
}

absl::StatusOr<journal::v1::Retained> LastRetained(log::Log& log, uint32_t lane) {
  ASSIGN_OR_RETURN(const std::optional<log::JournalEntry> last, log.LastEntry(lane));
  if (!last.has_value()) return journal::v1::Retained();
  journal::v1::JournalRecord record;
  RETURN_IF_ERROR(ParseRecord(last->record, record));
  return record.retained();
}

}  // namespace streamml::lane::internal
