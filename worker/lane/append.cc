// Lane: one record into the journal, also when the log cannot be reached for a while.

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/internal/digest_bytes.h"
#include "worker/lane/internal/journal_scan.h"
#include "worker/lane/lane.h"

namespace streamml::lane {

absl::Status Lane::Append(const journal::v1::JournalRecord& record, log::Transaction& transaction) {
  journal::v1::JournalRecord full = record;
  full.set_version(1);
  full.set_sequence(sequence_ + 1);
  full.set_epoch(epoch_);
  full.set_history(internal::ToBytes(history_));
  // From the first record after a savepoint on: the base's own record is written before it is one.
  if (base_ > 0 || past_->restored.number() > 0) *full.mutable_retained() = Needed();
  transaction.sequence = sequence_ + 1;
  transaction.journal = full.SerializeAsString();
  const log::Position at = journal_end_;
  absl::Status status = Send(transaction);
  for (int attempt = 1; !status.ok(); ++attempt) {
    const bool may_pass = absl::IsUnavailable(status) || absl::IsAborted(status);
    if (!may_pass || !environment_.wait_for_log) return status;
    // Before the wait, because a foreign record ends it at once.
    if (absl::IsAborted(status)) RETURN_IF_ERROR(CheckNotReplaced(transaction));
    if (!environment_.wait_for_log(status, attempt)) return status;
    status = AppendAgain(transaction);
  }
  history_.Chain(transaction.journal);
  ++sequence_;
  record_at_ = at;
  past_->Note(full);
  return absl::OkStatus();
}

absl::Status Lane::Send(const log::Transaction& transaction) {
  RETURN_IF_ERROR(writer_->Commit(transaction));
  journal_end_ = writer_->end();
  return absl::OkStatus();
}

// Nobody knows what became of the transaction: the journal says it.
absl::Status Lane::AppendAgain(const log::Transaction& transaction) {
  // Whatever of ours is still under way ends here, one way or the other, before the journal is
  // read.
  writer_ = nullptr;
  // Who was replaced while it could not write, or stood still, must not shut out the new owner.
  RETURN_IF_ERROR(CheckNotReplaced(transaction));
  ASSIGN_OR_RETURN(writer_, environment_.log.OpenLane(spec_.index));
  ASSIGN_OR_RETURN(const std::optional<log::Position> end, CheckOwner(transaction));
  if (!end.has_value()) return Send(transaction);
  journal_end_ = *end;
  return absl::OkStatus();
}

absl::Status Lane::CheckNotReplaced() {
  if (!claimed_) return absl::OkStatus();
  return Annotate(CheckNotReplaced(log::Transaction{}), absl::StrCat("lane ", spec_.name));
}

// ABORTED when the journal already holds a record of somebody else. What cannot be read says
// nothing.
absl::Status Lane::CheckNotReplaced(const log::Transaction& transaction) {
  const absl::Status owner = CheckOwner(transaction).status();
  return absl::IsAborted(owner) ? owner : absl::OkStatus();
}

// Where the journal ends if it ends with the transaction, nullopt if that is not there; ABORTED
// when it holds a record of somebody else. Changes nothing: it may be asked again.
absl::StatusOr<std::optional<log::Position>> Lane::CheckOwner(const log::Transaction& transaction) {
  ASSIGN_OR_RETURN(const std::unique_ptr<log::JournalReader> reader,
                   environment_.log.OpenJournal(spec_.index, journal_end_));
  absl::StatusOr<std::optional<log::JournalEntry>> next = reader->Next();
  if (absl::IsOutOfRange(next.status())) {
    // Only an owner that is far ahead of us can have removed what came after our last record.
    return absl::AbortedError(absl::StrCat("another owner has gone on from journal position ",
                                           sequence_, ": ", next.status().message()));
  }
  ASSIGN_OR_RETURN(std::optional<log::JournalEntry> entry, std::move(next));
  if (!entry.has_value()) return std::nullopt;
  const bool is_ours = entry->record == transaction.journal;
  const log::Position end = entry->next;
  if (is_ours) {
    ASSIGN_OR_RETURN(entry, reader->Next());
    if (!entry.has_value()) return end;
  }
  journal::v1::JournalRecord record;
  RETURN_IF_ERROR(ParseRecord(entry->record, record));
  return absl::AbortedError(absl::StrCat(
      "journal position ", entry->sequence, " was written by another owner",
      record.has_claim() ? absl::StrCat(" (", record.claim().worker(), ")") : "", ", epoch ",
      record.epoch(), ", ours was ", epoch_,
      ": another process runs this job; this one has let go, and what it had not committed is the "
      "other's to do"));
}

}  // namespace streamml::lane
