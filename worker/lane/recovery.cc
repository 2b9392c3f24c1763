// Lane: coming back to where the journal says the lane was.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/internal/digest_bytes.h"
#include "worker/lane/internal/journal_scan.h"
#include "worker/lane/internal/restore.h"
#include "worker/lane/internal/snapshot_task.h"
#include "worker/lane/lane.h"
#include "worker/lane/replay.h"

namespace streamml::lane {
namespace {

using internal::FromBytes;
using journal::v1::JournalRecord;

constexpr uint32_t kRecordVersion = 1;
// The name of a file without its folder, which may move.
std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

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

absl::Status CheckTopics(const LaneSpec& spec, const journal::v1::Claim& claim) {
  for (const journal::v1::TopicIdentity& topic : claim.topics()) {
    const auto current =
        std::find_if(spec.topics.begin(), spec.topics.end(),
                     [&](const TopicIdentity& t) { return t.input == topic.input(); });
    if (current == spec.topics.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat("input ", topic.input(), " was topic '", topic.topic(),
                       "' when the job began, and is a file now; bind what it began with, or start "
                       "over under another name"));
    }
    if (current->id == topic.id() && current->cluster == topic.cluster() &&
        current->partition == topic.partition()) {
      continue;
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "topic '", current->topic, "' is not the one the job began with (id '", topic.id(),
        "' in cluster '", topic.cluster(), "' then, id '", current->id, "' in cluster '",
        current->cluster,
        "' now): it was deleted and made again, or the cluster is another one; point the job at "
        "the topic it began with, or start over under another name"));
  }
  return absl::OkStatus();
}

absl::Status CheckClaim(const LaneSpec& spec, uint64_t job_hash, const JournalRecord& record) {
  const journal::v1::Claim& claim = record.claim();
  if (claim.job_hash() != job_hash) {
    return absl::FailedPreconditionError(
        absl::StrCat("the data folder belongs to another job, another version of this one, or "
                     "another number of input "
                     "files (its journal says ",
                     absl::Hex(claim.job_hash(), absl::kZeroPad16), ", the manifest gives ",
                     absl::Hex(job_hash, absl::kZeroPad16),
                     "); run the manifest it was made with on the files it began with, or use "
                     "another --data-dir"));
  }
  if (static_cast<size_t>(claim.files_size()) != spec.files.size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the lane began with ", claim.files_size(), " input files and has ", spec.files.size(),
        " now; give the same files, or use another --data-dir to start over"));
  }
  for (const journal::v1::FileIdentity& file : claim.files()) {
    const auto current =
        std::find_if(spec.files.begin(), spec.files.end(),
                     [&](const FileIdentity& f) { return f.input == file.input(); });
    if (current != spec.files.end() && current->size_bytes == file.size_bytes() &&
        current->content_hash == FromBytes(file.content_hash())) {
      if (FileName(current->path) == FileName(file.path())) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("input file '", current->path, "' was called '", FileName(file.path()),
                       "' when the job began to read "
                       "it, and its name stands in dead letters; name it so again (the folder does "
                       "not matter), or use "
                       "another --data-dir to start over"));
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "input file '", current == spec.files.end() ? file.path() : current->path,
        "' has changed since the "
        "job began to read it (",
        file.size_bytes(), " bytes then, ", current == spec.files.end() ? 0 : current->size_bytes,
        " now, or other content); put it back as it was, or use another --data-dir to start over"));
  }
  return CheckTopics(spec, claim);
}

absl::Status Lane::Recover(std::vector<std::string>& notes) {
  ASSIGN_OR_RETURN(writer_, environment_.log.OpenLane(spec_.index));
  std::vector<std::string> problems;
  const auto snapshots = environment_.snapshots.List(problems);
  // Before anything is restored or deleted.
  ASSIGN_OR_RETURN(
      const internal::JournalScan journal,
      internal::ScanJournal(spec_, environment_.log,
                            {environment_.fingerprint, environment_.job_hash, environment_.stop},
                            snapshots.ok() ? *snapshots : std::vector<state::SnapshotInfo>()));
  RETURN_IF_ERROR(snapshots.status());
  notes.insert(notes.end(), problems.begin(), problems.end());
  history_ = journal.history;
  RETURN_IF_ERROR(RestoreState(journal, *snapshots, notes));
  KeepFirstOfFingerprint(journal, *snapshots);
  RETURN_IF_ERROR(ReplayAfter());
  sequence_ = journal.num_records;
  journal_end_ = journal.end;
  RETURN_IF_ERROR(RepairSinks(notes));
  executor_->MarkCommitted();
  committed_watermark_ = executor_->watermark();
  return absl::OkStatus();
}

// Replay cannot go back beyond a change of fingerprint, so it needs the oldest snapshot after it.
void Lane::KeepFirstOfFingerprint(const internal::JournalScan& journal,
                                  const std::vector<state::SnapshotInfo>& snapshots) {
  if (journal.last_foreign == 0) return;
  for (auto oldest = snapshots.rbegin(); oldest != snapshots.rend(); ++oldest) {
    if (journal.CanStartFrom(oldest->key)) return environment_.snapshots.Keep(oldest->key);
  }
}

// Restores the newest snapshot whose key the journal shows, else starts from nothing.
absl::Status Lane::RestoreState(const internal::JournalScan& journal,
                                const std::vector<state::SnapshotInfo>& snapshots,
                                std::vector<std::string>& notes) {
  for (const state::SnapshotInfo& snapshot : snapshots) {
    const uint64_t sequence = snapshot.key.sequence;
    if (!journal.Shows(snapshot.key)) {
      notes.push_back(absl::StrCat("lane ", spec_.name, ": snapshot at ", sequence,
                                   " is not of this journal and is not used"));
      continue;
    }
    bool damaged = false;
    absl::Status status = RestoreSnapshot(snapshot, damaged);
    if (status.ok()) {
      restored_sequence_ = sequence;
      state_digest_ = snapshot.state_digest;
      snapshot_sequence_ = sequence;
      notes.push_back(absl::StrCat("lane ", spec_.name, ": recovered from the snapshot at ",
                                   sequence, ", ", journal.num_records - sequence,
                                   " journal records after it"));
      return absl::OkStatus();
    }
    if (!damaged) return status;
    notes.push_back(absl::StrCat("lane ", spec_.name, ": snapshot at ", sequence,
                                 " is damaged and is not used: ", status.message()));
  }
  store_is_stale_ =
      true;  // emptied before the first snapshot is taken, not before replay has gone well
  ASSIGN_OR_RETURN(executor_, Executor::Make(*spec_.stage, spec_.inputs));
  executor_->SetStop(environment_.stop);
  return absl::OkStatus();
}

absl::Status Lane::RestoreSnapshot(const state::SnapshotInfo& snapshot, bool& damaged) {
  ASSIGN_OR_RETURN(internal::Restored restored,
                   internal::RestoreExecutor(
                       spec_, snapshot,
                       [&](const state::SnapshotStore::EntryFunction& entry) {
                         return environment_.snapshots.Restore(snapshot.key, entry);
                       },
                       environment_.stop, damaged));
  executor_ = std::move(restored.executor);
  sink_bytes_ = std::move(restored.sink_bytes);
  epoch_ = restored.epoch;
  return absl::OkStatus();
}

// Executes the commits after the snapshot with their outputs suppressed and their digests checked.
absl::Status Lane::ReplayAfter() {
  ASSIGN_OR_RETURN(internal::JournalCursor cursor,
                   internal::JournalCursor::Open(environment_.log, spec_));
  std::string fingerprint = environment_.fingerprint;
  while (true) {
    RETURN_IF_ERROR(CheckStop(environment_.stop));
    ASSIGN_OR_RETURN(const bool more, cursor.Next());
    if (!more) return absl::OkStatus();
    const JournalRecord& record = cursor.record();
    if (record.has_claim()) {
      epoch_ = std::max(epoch_, record.epoch());
      fingerprint = record.claim().fingerprint();
      continue;
    }
    const journal::v1::Commit& commit = record.commit();
    finished_ = commit.finished();
    if (commit.has_snapshot() && commit.snapshot().sequence() > snapshot_sequence_) {
      // A newer snapshot than the one that could be used; a finished lane takes no other.
      snapshot_sequence_ = commit.snapshot().sequence();
      state_digest_ = FromBytes(commit.snapshot().state_digest());
    }
    if (record.sequence() <= restored_sequence_) continue;
    if (internal::Computes(commit, executor_->frontier()) &&
        fingerprint != environment_.fingerprint) {
      return absl::FailedPreconditionError(
          absl::StrCat("FingerprintMismatch: journal position ", record.sequence(),
                       " was written by ", fingerprint, " and this is ", environment_.fingerprint,
                       "; replay would give other bits: run the build or machine that wrote it to "
                       "its next stop, ",
                       kStartOver));
    }
    RETURN_IF_ERROR(executor_->Apply(commit));
    RETURN_IF_ERROR(CheckDigest(spec_, record.sequence(), commit, *executor_));
    executor_->MarkCommitted();
    if (static_cast<size_t>(commit.sink_bytes_size()) != sink_bytes_.size()) {
      return absl::DataLossError(
          absl::StrCat("journal position ", record.sequence(), " names ", commit.sink_bytes_size(),
                       " sinks and the job has ", sink_bytes_.size(),
                       " there; way out: run the build and manifest that wrote it, ", kStartOver));
    }
    std::copy(commit.sink_bytes().begin(), commit.sink_bytes().end(), sink_bytes_.begin());
  }
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
                                              " were committed; way out: `streamml replay JOB "
                                              "--all` with the same --data-dir writes it again"));
    }
    if (size == sink_bytes_[i]) continue;
    if (sequence_ == 0) {  // the claim of a lane is in its journal before the first byte of a part
      return absl::FailedPreconditionError(absl::StrCat(
          "part file '", path, "' has ", size,
          " bytes, and the job has not begun (its journal is at position 0): they are of another "
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

absl::Status Lane::Claim() {
  if (finished_ || claimed_) return absl::OkStatus();
  claimed_ = true;
  ++epoch_;
  JournalRecord record;
  journal::v1::Claim& claim = *record.mutable_claim();
  claim.set_worker(environment_.worker);
  claim.set_fingerprint(environment_.fingerprint);
  claim.set_job_hash(environment_.job_hash);
  for (const FileIdentity& file : spec_.files) {
    journal::v1::FileIdentity& out = *claim.add_files();
    out.set_input(file.input);
    out.set_path(file.path);
    out.set_size_bytes(file.size_bytes);
    out.set_content_hash(internal::ToBytes(file.content_hash));
  }
  for (const TopicIdentity& topic : spec_.topics) {
    journal::v1::TopicIdentity& out = *claim.add_topics();
    out.set_input(topic.input);
    out.set_cluster(topic.cluster);
    out.set_topic(topic.topic);
    out.set_id(topic.id);
    out.set_partition(topic.partition);
  }
  log::Transaction transaction;
  transaction.watermark = executor_->watermark();
  return Annotate(Append(record, transaction), absl::StrCat("lane ", spec_.name));
}

}  // namespace streamml::lane
