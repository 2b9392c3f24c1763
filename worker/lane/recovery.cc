// Lane: coming back to where the journal says the lane was.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/internal/digest_bytes.h"
#include "worker/lane/internal/journal_scan.h"
#include "worker/lane/internal/restore.h"
#include "worker/lane/internal/retention.h"
#include "worker/lane/internal/snapshot_task.h"
#include "worker/lane/lane.h"
#include "worker/lane/replay.h"

namespace streamml::lane {
namespace {

using internal::FromBytes;
using journal::v1::JournalRecord;

constexpr uint32_t kRecordVersion = 1;
constexpr std::string_view kStartOver =
    "or start over in an empty data folder (inputs are not touched, and the results will be the "
    "same)";

}  // namespace

absl::Status ParseRecord(const std::string& bytes, JournalRecord& record) {
  if (!record.ParseFromString(bytes)) {
    return absl::DataLossError(absl::StrCat(
        "a journal record of ", bytes.size(),
        " bytes cannot be parsed; way out: run the build that wrote it, put the journal back as it "
        "was, ",
        kStartOver));
  }
  if (record.version() != kRecordVersion || record.kind_case() == JournalRecord::KIND_NOT_SET) {
    return absl::DataLossError(
        absl::StrCat("journal record ", record.sequence(), " has version ", record.version(),
                     "; this build reads version ", kRecordVersion,
                     "; way out: run the build that wrote it, ", kStartOver));
  }
  return absl::OkStatus();
}

absl::Status CheckDigest(const LaneSpec& spec, uint64_t sequence, const journal::v1::Commit& commit,
                         const Executor& executor) {
  const Digest computed = executor.output().digest();
  const Digest journalled = FromBytes(commit.output_digest());
  if (computed == journalled && executor.watermark() == commit.watermark()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("journal position ", sequence, " of lane ", spec.name,
                                          ": rows emitted up to there have digest ",
                                          computed.ToHex(), " and the journal says ",
                                          journalled.ToHex(), " (", executor.Where(),
                                          "): an input value, a state or the program is not what "
                                          "it was; way out: put it back as it was, ",
                                          kStartOver));
}

absl::StatusOr<std::unique_ptr<Lane>> Lane::Open(LaneSpec spec, const LaneEnvironment& environment,
                                                 std::vector<std::string>& notes) {
  ASSIGN_OR_RETURN(std::unique_ptr<Lane> lane, Follow(std::move(spec), environment, notes));
  RETURN_IF_ERROR(lane->TakeOver(/*assignment=*/0, notes));
  return lane;
}

absl::StatusOr<std::unique_ptr<Lane>> Lane::Follow(LaneSpec spec,
                                                   const LaneEnvironment& environment,
                                                   std::vector<std::string>& notes) {
  std::unique_ptr<Lane> lane(new Lane(std::move(spec), environment));
  RETURN_IF_ERROR(Annotate(lane->Restore(notes), absl::StrCat("lane ", lane->spec_.name)));
  return lane;
}

absl::StatusOr<bool> Lane::CatchUp(size_t max_records) {
  if (cursor_ == nullptr) return absl::InternalError("an owner does not follow");
  absl::StatusOr<bool> progress = ExecuteNext(max_records);
  if (progress.ok()) return progress;
  return Annotate(ExplainTruncated(progress.status(), NeededFrom()),
                  absl::StrCat("lane ", spec_.name));
}

absl::Status Lane::TakeOver(uint64_t assignment, std::vector<std::string>& notes) {
  if (cursor_ == nullptr) return absl::InternalError("only who follows takes over");
  const absl::Status status = FenceAndCatchUp(assignment, notes);
  return Annotate(ExplainTruncated(status, NeededFrom()), absl::StrCat("lane ", spec_.name));
}

absl::Status Lane::FenceAndCatchUp(uint64_t assignment, std::vector<std::string>& notes) {
  // Who has a stale assignment must not shut out the owner (I4).
  RETURN_IF_ERROR(ExecuteAll());
  RETURN_IF_ERROR(CheckAssignment(assignment));
  ASSIGN_OR_RETURN(writer_, environment_.log.OpenLane(spec_.index));
  // What the last owner wrote before it was shut out; only now is that all.
  ASSIGN_OR_RETURN(*cursor_,
                   internal::JournalCursor::Open(environment_.log, spec_, journal_end_, history_));
  RETURN_IF_ERROR(ExecuteAll());
  RETURN_IF_ERROR(CheckAssignment(assignment));
  RETURN_IF_ERROR(CheckJournalIsThere());
  assignment_ = assignment;
  cursor_ = nullptr;
  base_ = past_->retained.sequence();
  truncated_base_ = 0;
  knows_others_ = false;
  num_looks_failed_ = snapshots_until_look_ = 0;
  RETURN_IF_ERROR(BeginFromSavepoint(notes));
  RETURN_IF_ERROR(RepairSinks(notes));
  executor_->MarkCommitted();
  committed_watermark_ = executor_->watermark();
  return absl::OkStatus();
}

absl::Status Lane::LetGo() {
  RETURN_IF_ERROR(Commit());
  writer_ = nullptr;
  claimed_ = false;
  if (state::Uploads* uploads = environment_.snapshots.uploads()) uploads->NoteLetGo();
  sink_files_.clear();
  sink_files_.resize(sink_bytes_.size());
  auto cursor = internal::JournalCursor::Open(environment_.log, spec_, journal_end_, history_);
  RETURN_IF_ERROR(Annotate(cursor.status(), absl::StrCat("lane ", spec_.name)));
  cursor_ = std::make_unique<internal::JournalCursor>(*std::move(cursor));
  return absl::OkStatus();
}

absl::Status Lane::CheckAssignment(uint64_t assignment) const {
  if (assignment == 0 || assignment_ <= assignment) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("assignment ", assignment,
                                         " is out of date: the lane was "
                                         "claimed under assignment ",
                                         assignment_, ", so another worker has it or had it"));
}

// Only who has shut out all others knows that a journal is empty: before that the commit of its
// records may still be under way.
absl::Status Lane::CheckJournalIsThere() const {
  if (sequence_ > 0 || orphan_ == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("there is a snapshot at journal position ", orphan_,
                   ", and the journal is empty: it has been deleted; way out: put it back, or "
                   "start over under "
                   "another name (metadata.name or spec.identity) and in an empty data folder"));
}

bool Lane::IsContested(uint64_t assignment) const {
  const journal::v1::Claim& last = past_->claim;
  return assignment > 0 && last.assignment() == assignment && last.worker() != environment_.worker;
}

// Brings back what the newest usable snapshot holds; the cursor stands behind it. Of the journal
// only what comes after that is read.
absl::Status Lane::Restore(std::vector<std::string>& notes) {
  std::vector<std::string> problems;
  const auto snapshots = environment_.snapshots.List(problems);
  if (!snapshots.ok()) problems.emplace_back(snapshots.status().message());
  const std::vector<state::SnapshotInfo> known =
      snapshots.ok() ? *snapshots : std::vector<state::SnapshotInfo>();
  notes.insert(notes.end(), problems.begin(), problems.end());
  bool is_restored = false;
  for (size_t i = 0; i < known.size() && !is_restored; ++i) {
    ASSIGN_OR_RETURN(is_restored, RestoreFrom(known[i], known, notes));
  }
  if (!is_restored) RETURN_IF_ERROR(BeginAnew(known, snapshots.status()));
  ASSIGN_OR_RETURN(internal::JournalCursor cursor,
                   internal::JournalCursor::Open(environment_.log, spec_, journal_end_, history_));
  cursor_ = std::make_unique<internal::JournalCursor>(std::move(cursor));
  return absl::OkStatus();
}

// Replay cannot go back beyond a change of fingerprint, so it needs the oldest snapshot after it.
absl::Status Lane::KeepFirstOfFingerprint(const internal::JournalScan& journal,
                                          const std::vector<state::SnapshotInfo>& snapshots) {
  if (journal.last_foreign == 0) return absl::OkStatus();
  for (auto oldest = snapshots.rbegin(); oldest != snapshots.rend(); ++oldest) {
    if (oldest->key.sequence < journal.last_foreign) continue;
    // There may be one of another history at the same place.
    ASSIGN_OR_RETURN(const auto place, internal::FindShown(environment_.log, spec_, *oldest));
    if (!place.has_value()) continue;
    retention_->SetFirstOfFingerprint(oldest->key);
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

// The snapshot, if the journal shows its key, and all of the journal that comes after it is ours.
absl::StatusOr<bool> Lane::RestoreFrom(const state::SnapshotInfo& snapshot,
                                       const std::vector<state::SnapshotInfo>& all,
                                       std::vector<std::string>& notes) {
  const uint64_t sequence = snapshot.key.sequence;
  const auto not_used = [&](std::string_view why) {
    notes.push_back(absl::StrCat("lane ", spec_.name, ": snapshot at ", sequence, " is ", why));
    return false;
  };
  absl::StatusOr<internal::JournalPlace> place = internal::PlaceOf(snapshot);
  if (!place.ok()) {
    return not_used(absl::StrCat("damaged and is not used: ", place.status().message()));
  }
  ASSIGN_OR_RETURN(const bool is_shown, internal::FindPlace(environment_.log, spec_, *place));
  if (!is_shown) return not_used("not of this journal and is not used");
  // Before anything is restored or deleted.
  absl::StatusOr<internal::JournalScan> scan = internal::ScanJournal(
      spec_, environment_.log, {environment_.fingerprint, environment_.job_hash, environment_.stop},
      *place);
  if (!scan.ok()) return ExplainTruncated(scan.status(), sequence);
  RETURN_IF_ERROR(CheckBeginning(*scan));
  if (scan->past.retained.sequence() > sequence) {
    return not_used(absl::StrCat("older than what is kept, which begins at ",
                                 scan->past.retained.sequence(), ", and is not used"));
  }
  bool damaged = false;
  const absl::Status status = RestoreSnapshot(snapshot, damaged);
  if (damaged) return not_used(absl::StrCat("damaged and is not used: ", status.message()));
  if (!status.ok()) return ExplainTruncated(status, sequence);
  // Claims before the snapshot are not read again, and count as well (I4).
  assignment_ = scan->assignment;
  history_ = place->history;
  journal_end_ = place->next;
  record_at_ = place->record;
  *past_ = place->past;
  finished_ = place->finished;
  sequence_ = sequence;
  restored_sequence_ = sequence;
  state_digest_ = snapshot.state_digest;
  snapshot_sequence_ = sequence;
  retention_->Start(all, sequence);
  RETURN_IF_ERROR(KeepFirstOfFingerprint(*scan, all));
  const uint64_t after = scan->num_records - sequence;
  notes.push_back(absl::StrCat("lane ", spec_.name, ": recovered from the snapshot at ", sequence,
                               ", ", after, after == 1 ? " journal record" : " journal records",
                               " after it"));
  return true;
}

// From nothing, which takes the whole journal. `listed`: whether all snapshots are known.
absl::Status Lane::BeginAnew(const std::vector<state::SnapshotInfo>& snapshots,
                             const absl::Status& listed) {
  ASSIGN_OR_RETURN(
      const internal::JournalScan scan,
      internal::ScanJournal(spec_, environment_.log,
                            {environment_.fingerprint, environment_.job_hash, environment_.stop},
                            internal::JournalPlace()));
  // A journal without a record has no snapshot: a job may begin while its store is away.
  if (!listed.ok() && scan.num_records > 0) return listed;
  if (scan.num_records == 0 && !snapshots.empty()) orphan_ = snapshots.front().key.sequence;
  if (scan.first > 1 || scan.past.retained.sequence() > 0) {
    return NothingToBeginFrom(scan, snapshots);
  }
  RETURN_IF_ERROR(CheckBeginning(scan));
  assignment_ = scan.assignment;
  store_is_stale_ =
      true;  // emptied before the first snapshot is taken, not before replay has gone well
  ASSIGN_OR_RETURN(executor_, Executor::Make(*spec_.stage, spec_.inputs));
  executor_->SetStop(environment_.stop);
  LetValuesLeave(*executor_);
  return absl::OkStatus();
}

// What is listed may be too old, because the store cannot be asked, or because much time has gone
// since it was.
absl::Status Lane::NothingToBeginFrom(const internal::JournalScan& scan,
                                      const std::vector<state::SnapshotInfo>& snapshots) const {
  RETURN_IF_ERROR(
      Annotate(environment_.snapshots.listed_all(),
               "no snapshot on this disk is new enough, and the store cannot be asked"));
  std::vector<std::string> problems;
  ASSIGN_OR_RETURN(const std::vector<state::SnapshotInfo> now,
                   environment_.snapshots.List(problems));
  const bool is_same = std::equal(
      now.begin(), now.end(), snapshots.begin(), snapshots.end(),
      [](const state::SnapshotInfo& a, const state::SnapshotInfo& b) { return a.key == b.key; });
  if (!is_same) return absl::AbortedError("there are other snapshots than a moment ago");
  return absl::DataLossError(absl::StrCat(
      "the journal is kept from position ", std::max<uint64_t>(scan.first, 1),
      " on, what the lane needs begins with its snapshot at ", scan.past.retained.sequence(),
      " (spec.replay.keep), and no snapshot from there on is whole and shown by the journal, so "
      "that "
      "its state cannot be computed again; way out: put the snapshots back, in the data folder or "
      "in "
      "the store of spec.snapshots.store, ",
      kStartOver));
}

// Of who is overtaken by an owner that removes what it does not need, and of who misses what is
// still needed.
absl::Status Lane::ExplainTruncated(const absl::Status& status, uint64_t began_at) const {
  if (!absl::IsOutOfRange(status)) return status;
  const auto needed = internal::LastRetained(environment_.log, spec_.index);
  if (!needed.ok()) return needed.status();
  if (needed->sequence() > began_at) {
    return absl::AbortedError(absl::StrCat(
        "overtaken by its owner, who needs nothing before the snapshot at ", needed->sequence(),
        " any more: begins again from a newer snapshot than that at ", began_at, " (",
        status.message(), ")"));
  }
  return absl::DataLossError(absl::StrCat(
      status.message(), ": that is still needed, by the snapshot at ", began_at,
      " of the journal, and somebody else than the job has removed it; way out: put it back, ",
      kStartOver));
}

absl::Status Lane::RestoreSnapshot(const state::SnapshotInfo& snapshot, bool& damaged) {
  ASSIGN_OR_RETURN(
      internal::Restored restored,
      internal::RestoreExecutor(
          spec_, snapshot,
          [&](const state::SnapshotStore::EntryFunction& entry) {
            return environment_.snapshots.Restore(snapshot.key, entry);
          },
          [this](Executor& executor) { LetValuesLeave(executor); }, environment_.stop, damaged));
  executor_ = std::move(restored.executor);
  sink_bytes_ = std::move(restored.sink_bytes);
  epoch_ = restored.epoch;
  return absl::OkStatus();
}

absl::Status Lane::ExecuteAll() {
  while (true) {
    ASSIGN_OR_RETURN(const bool more, ExecuteNext(SIZE_MAX));
    if (!more) return absl::OkStatus();
  }
}

// The next records, with their outputs suppressed and their digests checked; false at the end.
absl::StatusOr<bool> Lane::ExecuteNext(size_t max_records) {
  for (size_t i = 0; i < max_records; ++i) {
    RETURN_IF_ERROR(CheckStop(environment_.stop));
    ASSIGN_OR_RETURN(const bool more, cursor_->Next());
    if (!more) return i > 0;
    RETURN_IF_ERROR(Execute(cursor_->record()));
    past_->Note(cursor_->record());
    history_ = cursor_->history();
    sequence_ = cursor_->record().sequence();
    record_at_ = std::exchange(journal_end_, cursor_->next());
    const journal::v1::Restored& restored = cursor_->record().restored();
    if (restored.number() > 0 && restored.number() == restored.total()) {
      RETURN_IF_ERROR(LoadSavepoint());
    }
  }
  return true;
}

absl::Status Lane::Execute(const JournalRecord& record) {
  if (record.has_claim()) {
    RETURN_IF_ERROR(CheckClaim(spec_, environment_.job_hash, record));
    epoch_ = std::max(epoch_, record.epoch());
    assignment_ = std::max(assignment_, record.claim().assignment());
    return absl::OkStatus();
  }
  if (record.has_restored()) return absl::OkStatus();  // its rows are others' input
  const journal::v1::Commit& commit = record.commit();
  finished_ = commit.finished();
  if (commit.has_snapshot() && commit.snapshot().sequence() > snapshot_sequence_) {
    // A newer snapshot than the one that could be used; a finished lane takes no other.
    snapshot_sequence_ = commit.snapshot().sequence();
    state_digest_ = FromBytes(commit.snapshot().state_digest());
  }
  if (internal::Computes(commit, executor_->frontier()) &&
      past_->provenance.claimed() != environment_.fingerprint) {
    return absl::FailedPreconditionError(absl::StrCat(
        "FingerprintMismatch: journal position ", record.sequence(), " was written by ",
        past_->provenance.claimed(), " and this is ", environment_.fingerprint,
        "; replay would give other bits: run the build or machine that wrote it to "
        "its next stop, ",
        kStartOver));
  }
  RETURN_IF_ERROR(executor_->Apply(commit));
  RETURN_IF_ERROR(CheckDigest(spec_, record.sequence(), commit, *executor_));
  executor_->MarkCommitted();
  RETURN_IF_ERROR(KeepToMemory());
  if (static_cast<size_t>(commit.sink_bytes_size()) != sink_bytes_.size()) {
    return absl::DataLossError(
        absl::StrCat("journal position ", record.sequence(), " names ", commit.sink_bytes_size(),
                     " sinks and the job has ", sink_bytes_.size(),
                     " there; way out: run the build and manifest that wrote it, ", kStartOver));
  }
  std::copy(commit.sink_bytes().begin(), commit.sink_bytes().end(), sink_bytes_.begin());
  return absl::OkStatus();
}

std::string Lane::WayToWriteAgain() const {
  const uint64_t base = past_->retained.sequence();
  if (base == 0) return "`streamml replay JOB --all` with the same --data-dir writes it again";
  return absl::StrCat("put it back from a copy (what was committed up to journal position ", base,
                      " cannot be written again, spec.replay.keep), ", kStartOver);
}

// Part files may be longer than the journal says (a crash before the record), never shorter. All
// are looked at before the first is cut.
absl::Status Lane::RepairSinks(std::vector<std::string>& notes) {
  std::vector<std::pair<std::string, uint64_t>> cuts;
  for (size_t i = 0; i < sink_bytes_.size(); ++i) {
    if (!spec_.stage->sinks[i].topic.empty()) continue;  // its transaction wrote it, or did not
    const std::string path = PartPath(environment_.data_folder, spec_.stage->sinks[i], spec_.part);
    const auto file = environment_.disk.OpenForRead(path);
    if (absl::IsNotFound(file.status()) && sink_bytes_[i] == 0) continue;
    uint64_t size = 0;
    if (file.ok()) {
      ASSIGN_OR_RETURN(size, (*file)->Size());
    } else if (!absl::IsNotFound(file.status())) {
      return file.status();
    }
    if (size < sink_bytes_[i]) {
      return absl::DataLossError(absl::StrCat("part file '", path, "' has ", size,
                                              " bytes and the journal says ", sink_bytes_[i],
                                              " were committed; way out: ", WayToWriteAgain()));
    }
    if (size == sink_bytes_[i]) continue;
    if (epoch_ == 0) {  // the claim of a lane is in its journal before the first byte of a part
      return absl::FailedPreconditionError(absl::StrCat(
          "part file '", path, "' has ", size,
          " bytes, and the job has not begun (its journal is at position ", sequence_,
          ", without a claim): they are of another "
          "job, or this one's journal was removed; way out: start over in another --data-dir, or "
          "move the file away"));
    }
    notes.push_back(
        absl::StrCat("cut ", size - sink_bytes_[i], " uncommitted bytes off '", path, "'"));
    cuts.emplace_back(path, sink_bytes_[i]);
  }
  for (const auto& [path, size] : cuts) {
    RETURN_IF_ERROR(environment_.disk.Truncate(path, size));
  }
  return absl::OkStatus();
}

}  // namespace streamml::lane
