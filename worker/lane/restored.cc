// Lane: beginning an incarnation from a savepoint. Rows that were in flight are the lane's first
// transactions, each with a record of it; after the last of them the lane's state is the
// savepoint's, and becomes a snapshot like any other.

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/internal/digest_bytes.h"
#include "worker/lane/internal/journal_scan.h"
#include "worker/lane/internal/retention.h"
#include "worker/lane/internal/snapshot_task.h"
#include "worker/lane/lane.h"

namespace streamml::lane {
namespace {

constexpr std::string_view kElsewhere =
    "way out: leave out spec.restoreFrom to go on with what is there, or restore in another "
    "--data-dir or, on Kafka, under another name (metadata.name or spec.identity)";

std::string Named(const journal::v1::Restored& restored) {
  return absl::StrCat("savepoint '", restored.savepoint(), "' (digest ",
                      internal::FromBytes(restored.digest()).ToHex(), ")");
}

absl::StatusOr<journal::v1::LaneState> ParseEngine(const RestoreSource& restore,
                                                   const state::SnapshotInfo& start) {
  journal::v1::LaneState engine;
  if (engine.ParseFromString(start.engine)) return engine;
  return absl::DataLossError(
      absl::StrCat("savepoint '", restore.id().name, "': the engine state cannot be parsed"));
}

}  // namespace

// What the manifest says of the beginning, against what the journal shows.
absl::Status Lane::CheckBeginning(const internal::JournalScan& journal) const {
  const RestoreSource* const restore = environment_.restore;
  const bool began = journal.num_records > 0;
  const journal::v1::Restored& restored = journal.past.restored;
  const bool is_restored = restored.number() > 0;
  if (restore == nullptr) {
    if (!began && environment_.incarnation == 1) return absl::OkStatus();
    if (!began) return NoSavepoint("the lane has not begun yet");
    if (!is_restored || restored.number() == restored.total()) return absl::OkStatus();
    return NoSavepoint(absl::StrCat("the lane was to begin from ", Named(restored), ", and of ",
                                    restored.total(), " transactions ", restored.number(),
                                    " were written"));
  }
  const SavepointId& id = restore->id();
  if (journal.past.claim.fingerprint().empty()) {  // claims are checked by themselves
    RETURN_IF_ERROR(restore->Check(spec_, environment_.job_hash, environment_.fingerprint));
  }
  if (!began) return absl::OkStatus();
  if (!is_restored) {
    return absl::FailedPreconditionError(
        absl::StrCat("spec.restoreFrom names savepoint '", id.name,
                     "', and the job has begun without it (its journal is at position ",
                     journal.num_records, "); ", kElsewhere));
  }
  if (internal::FromBytes(restored.digest()) == id.digest) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("spec.restoreFrom names savepoint '", id.name, "' (digest ", id.digest.ToHex(),
                   "), and the job has begun from ", Named(restored), "; ", kElsewhere));
}

absl::Status Lane::NoSavepoint(std::string_view what) const {
  const std::string where =
      absl::StrCat(what, " (incarnation ", environment_.incarnation, " of the job)");
  if (!environment_.restore_problem.ok()) return Annotate(environment_.restore_problem, where);
  return absl::FailedPreconditionError(
      absl::StrCat(where, "; way out: put spec.restoreFrom back as it was"));
}

// What is missing of the first transactions; the owner's, before it claims.
absl::Status Lane::BeginFromSavepoint(std::vector<std::string>& notes) {
  if (environment_.restore == nullptr) return absl::OkStatus();
  RestoreSource& restore = *environment_.restore;
  const uint32_t total = restore.NumTransactions(spec_.index);
  if (sequence_ >= total) return absl::OkStatus();
  ASSIGN_OR_RETURN(const state::SnapshotInfo start, restore.Start(spec_.index));
  ASSIGN_OR_RETURN(const journal::v1::LaneState engine, ParseEngine(restore, start));
  while (sequence_ < total) {
    RETURN_IF_ERROR(CheckStop(environment_.stop));
    const auto number = static_cast<uint32_t>(sequence_ + 1);
    journal::v1::JournalRecord record;
    journal::v1::Restored& restored = *record.mutable_restored();
    restored.set_savepoint(restore.id().name);
    restored.set_digest(internal::ToBytes(restore.id().digest));
    restored.set_incarnation(restore.id().incarnation);
    restored.set_number(number);
    restored.set_total(total);
    restored.set_state_digest(internal::ToBytes(start.state_digest));
    restored.set_frontier(engine.frontier());
    ASSIGN_OR_RETURN(log::Transaction transaction, restore.ReadTransaction(spec_.index, number));
    RETURN_IF_ERROR(Append(record, transaction));
  }
  notes.push_back(absl::StrCat("lane ", spec_.name, ": begins from savepoint '", restore.id().name,
                               "', incarnation ", restore.id().incarnation));
  return LoadSavepoint();
}

// The journal stands behind the last record of the beginning.
absl::Status Lane::LoadSavepoint() {
  if (environment_.restore == nullptr) {
    return NoSavepoint(
        "the lane began from a savepoint, and no snapshot of it is left to go on from");
  }
  RestoreSource& restore = *environment_.restore;
  ASSIGN_OR_RETURN(state::SnapshotInfo start, restore.Start(spec_.index));
  start.key = {sequence_, history_};
  ASSIGN_OR_RETURN(journal::v1::LaneState engine, ParseEngine(restore, start));
  DescribePlace(engine);
  start.engine = engine.SerializeAsString();
  std::vector<state::StateChange> entries;
  Digest digest;
  RETURN_IF_ERROR(restore.ReadEntries(
      spec_.index, [&](std::string_view state, std::string_view key, std::string_view value) {
        digest.Add(state::EntryDigest(state, key, value));
        entries.push_back({std::string(state), std::string(key), std::string(value), true});
        return CheckStop(environment_.stop);
      }));
  // Before it is a snapshot, which nobody would doubt any more.
  if (digest != start.state_digest) {
    return absl::DataLossError(
        absl::StrCat("savepoint '", restore.id().name, "': the state of the lane has digest ",
                     digest.ToHex(), " and the document says ", start.state_digest.ToHex(),
                     ": it is damaged; way out: restore another one, or put back a copy of it"));
  }
  RETURN_IF_ERROR(environment_.snapshots.Clear());
  RETURN_IF_ERROR(environment_.snapshots.Save(start.key, start.engine, entries).status());
  store_is_stale_ = false;
  bool damaged = false;
  RETURN_IF_ERROR(RestoreSnapshot(start, damaged));
  retention_->Add(start);
  retention_->SetFirstOfFingerprint(start.key);  // replay goes back to here and no further
  sequence_ = start.key.sequence;
  restored_sequence_ = snapshot_sequence_ = sequence_;
  state_digest_ = digest;
  return absl::OkStatus();
}

}  // namespace streamml::lane
