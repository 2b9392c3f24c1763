#include "worker/lane/lane.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/internal/digest_bytes.h"
#include "worker/lane/internal/journal_scan.h"
#include "worker/lane/internal/retention.h"
#include "worker/lane/internal/snapshot_task.h"
#include "worker/lane/internal/truncation_task.h"

namespace streamml::lane {
namespace {

using internal::ToBytes;
using journal::v1::JournalRecord;

// Collects changed entries of all states for the snapshot store.
class ChangeCollector final : public state::ChangeSink {
 public:
  explicit ChangeCollector(std::vector<state::StateChange>& changes) : changes_(changes) {}
  void SetState(std::string state) { state_ = std::move(state); }
  void Put(std::string_view key, std::string_view value) override {
    changes_.push_back({state_, std::string(key), std::string(value), true});
  }
  void Delete(std::string_view key) override {
    changes_.push_back({state_, std::string(key), "", false});
  }

 private:
  std::vector<state::StateChange>& changes_;
  std::string state_;
};

}  // namespace

std::string PartPath(const std::string& data_folder, const SinkOutput& sink, uint32_t part) {
  return absl::StrCat(data_folder, "/", sink.name, "/",
                      absl::StrFormat("%s-%05d.jsonl", sink.part_prefix, part));
}

absl::StatusOr<std::unique_ptr<AppendFile>> OpenPart(Disk& disk, const std::string& data_folder,
                                                     const SinkOutput& sink, uint32_t part) {
  const std::string path = PartPath(data_folder, sink, part);
  RETURN_IF_ERROR(disk.MakeDirectories(ParentDirectory(path)));
  ASSIGN_OR_RETURN(std::unique_ptr<AppendFile> file, disk.OpenForAppend(path));
  RETURN_IF_ERROR(disk.SyncDirectory(ParentDirectory(path)));
  RETURN_IF_ERROR(disk.SyncDirectory(data_folder));
  return file;
}

Lane::Lane(LaneSpec spec, const LaneEnvironment& environment)
    : spec_(std::move(spec)),
      environment_(environment),
      sink_files_(spec_.stage->sinks.size()),
      sink_bytes_(spec_.stage->sinks.size()),
      past_(std::make_unique<internal::Past>()),
      retention_(std::make_unique<internal::Retention>(environment.utc_us ? environment.keep_us : 0,
                                                       spec_.inputs.size())) {}

Lane::~Lane() = default;

absl::StatusOr<bool> Lane::Advance(size_t max_rows) {
  RETURN_IF_ERROR(CollectSnapshot());
  auto progress = executor_->Advance(max_rows);
  if (progress.ok()) return progress;
  if (executor_->input_failed()) RETURN_IF_ERROR(Commit());
  return Annotate(ExplainTruncated(progress.status(), NeededFrom()),
                  absl::StrCat("lane ", spec_.name));
}

absl::Status Lane::RaiseIdle(const std::vector<bool>& idle) {
  return Annotate(executor_->RaiseIdle(idle).status(), absl::StrCat("lane ", spec_.name));
}

absl::Status Lane::Commit() {
  RETURN_IF_ERROR(CollectSnapshot());
  if (!executor_->has_news()) return absl::OkStatus();
  journal::v1::Commit commit;
  executor_->Describe(commit);
  commit.set_finished(false);  // Finish() says so, with the state digest
  RETURN_IF_ERROR(Annotate(WriteSinks(), absl::StrCat("lane ", spec_.name)));
  const bool advanced = executor_->watermark() > committed_watermark_;
  RETURN_IF_ERROR(WriteCommit(commit, /*markers=*/advanced));
  committed_watermark_ = executor_->watermark();
  return absl::OkStatus();
}

// Part files are durable before the journal says how long they are.
absl::Status Lane::WriteSinks() {
  if (broken_) return absl::FailedPreconditionError("an earlier write failed; open the lane again");
  if (!claimed_) return absl::InternalError("commit before the claim");
  broken_ = true;  // until the transaction is in the log
  for (size_t i = 0; i < sink_files_.size(); ++i) {
    const std::string& bytes = executor_->output().sink_bytes(i);
    if (bytes.empty()) continue;
    if (!spec_.stage->sinks[i].topic.empty()) {
      sink_bytes_[i] += bytes.size();
      continue;
    }
    if (sink_files_[i] == nullptr) {
      ASSIGN_OR_RETURN(sink_files_[i], OpenPart(environment_.disk, environment_.data_folder,
                                                spec_.stage->sinks[i], spec_.part));
    }
    RETURN_IF_ERROR(sink_files_[i]->Append(bytes));
    RETURN_IF_ERROR(sink_files_[i]->Sync());
    sink_bytes_[i] += bytes.size();
  }
  return absl::OkStatus();
}

absl::Status Lane::WriteCommit(journal::v1::Commit& commit, bool markers) {
  for (const uint64_t length : sink_bytes_) commit.add_sink_bytes(length);
  if (snapshot_unreported_) {
    commit.mutable_snapshot()->set_sequence(snapshot_sequence_);
    commit.mutable_snapshot()->set_state_digest(ToBytes(state_digest_));
  }
  JournalRecord record;
  *record.mutable_commit() = commit;
  log::Transaction transaction;
  transaction.watermark = commit.watermark();
  transaction.frames = executor_->output().Frames(markers);
  transaction.records = executor_->output().Records();
  RETURN_IF_ERROR(Annotate(Append(record, transaction), absl::StrCat("lane ", spec_.name)));
  broken_ = false;
  snapshot_unreported_ = false;
  executor_->MarkCommitted();
  for (const std::unique_ptr<Input>& input : executor_->inputs()) input->NoteCommitted();
  ++num_commits_;
  return KeepToMemory();
}

// What changes while a snapshot is under way cannot leave before the next one has ended; at twice
// the bound the lane waits.
absl::Status Lane::KeepToMemory() {
  needs_snapshot_ = !executor_->states().KeepToBudget();
  if (!needs_snapshot_ || snapshot_ == nullptr) return absl::OkStatus();
  if (environment_.memory->excess() <= environment_.memory->limit()) return absl::OkStatus();
  RETURN_IF_ERROR(AwaitSnapshot());
  needs_snapshot_ = !executor_->states().KeepToBudget();
  return absl::OkStatus();
}

void Lane::LetValuesLeave(Executor& executor) const {
  state::SavedEntries* const saved = environment_.snapshots.saved();
  if (environment_.memory == nullptr || saved == nullptr) return;
  executor.states().LeaveMemory(*environment_.memory, *saved);
}

// What a reader has to know of the journal up to the snapshot.
void Lane::DescribePlace(journal::v1::LaneState& state) const {
  state.set_record_bytes(record_at_.bytes);
  state.set_assignment(assignment_);
  *state.mutable_claim() = past_->claim;
  *state.mutable_provenance() = past_->provenance.stored();
  *state.mutable_restored() = past_->restored;
  state.set_taken_us(Now());
}

absl::Status Lane::StartExport(SnapshotExport take) {
  if (snapshot_ != nullptr) return absl::InternalError("a snapshot is under way");
  return StartSnapshotFor(std::move(take));
}

absl::Status Lane::StartSnapshotFor(SnapshotExport take) {
  if (executor_->has_news()) return absl::InternalError("snapshot asked for with uncommitted rows");
  const bool is_saved = sequence_ == snapshot_sequence_;
  if (snapshot_ != nullptr || (is_saved && !take)) return absl::OkStatus();
  internal::SnapshotTask::Contents contents;
  contents.is_saved = is_saved && !store_is_stale_;
  contents.saved_digest = state_digest_;
  contents.take = std::move(take);
  contents.key = {sequence_, history_};
  journal::v1::LaneState state;
  executor_->Export(state);
  for (const uint64_t length : sink_bytes_) state.add_sink_bytes(length);
  state.set_epoch(epoch_);
  DescribePlace(state);
  contents.engine = state.SerializeAsString();
  if (!contents.is_saved) {
    if (state::Spill* spill = executor_->states().spill()) spill->BeginSave();
    ChangeCollector collector(contents.changes);
    for (state::DeclaredState* declared : executor_->states().states()) {
      collector.SetState(declared->id().ToString());
      declared->TakeChanges(collector);
    }
    contents.clear_first = store_is_stale_;
    store_is_stale_ = false;
    KeepSnapshots();
    contents.look = LookForOthers();
  }
  snapshot_ = std::make_unique<internal::SnapshotTask>(std::move(contents), environment_.snapshots,
                                                       environment_.background);
  return absl::OkStatus();
}

absl::Status Lane::CollectSnapshot() {
  TruncateIfDue();
  if (snapshot_ == nullptr || !snapshot_->done()) return absl::OkStatus();
  const std::unique_ptr<internal::SnapshotTask> task = std::move(snapshot_);
  if (!task->result().ok()) {
    broken_ = true;  // the changes are taken from the state and are in no snapshot
    return Annotate(task->result().status(), absl::StrCat("lane ", spec_.name, ": snapshot"));
  }
  if (task->is_saved()) return absl::OkStatus();
  NoteSnapshot(*task);
  if (state::Spill* spill = executor_->states().spill()) spill->SaveEnded();
  state_digest_ = *task->result();
  snapshot_sequence_ = task->key().sequence;
  snapshot_unreported_ = true;
  return absl::OkStatus();
}

absl::Status Lane::AwaitSnapshot() {
  if (snapshot_ != nullptr) snapshot_->Wait();
  return CollectSnapshot();
}

absl::Status Lane::Stop() {
  RETURN_IF_ERROR(AwaitSnapshot());
  RETURN_IF_ERROR(Commit());
  if (finished_) return absl::OkStatus();
  RETURN_IF_ERROR(StartSnapshot());
  RETURN_IF_ERROR(AwaitSnapshot());
  if (!snapshot_unreported_) return absl::OkStatus();
  journal::v1::Commit commit;
  executor_->Describe(commit);
  commit.set_finished(false);
  return WriteCommit(commit, /*markers=*/false);
}

absl::Status Lane::Finish() {
  if (finished_) return absl::OkStatus();
  if (!at_end()) return absl::InternalError("finish asked for before the end of the inputs");
  RETURN_IF_ERROR(AwaitSnapshot());
  RETURN_IF_ERROR(Commit());
  RETURN_IF_ERROR(StartSnapshot());
  RETURN_IF_ERROR(AwaitSnapshot());
  snapshot_unreported_ = true;  // the last record always carries the final state digest
  journal::v1::Commit commit;
  executor_->Describe(commit);
  RETURN_IF_ERROR(WriteCommit(commit, /*markers=*/false));
  finished_ = true;
  return absl::OkStatus();
}

}  // namespace streamml::lane
