#include "worker/lane/replay.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/internal/digest_bytes.h"
#include "worker/lane/internal/journal_scan.h"
#include "worker/lane/internal/restore.h"

namespace streamml::lane {
namespace {

using internal::FromBytes;
using journal::v1::JournalRecord;

// Keeps the digest of all entries of all states up to date from their changes.
class StateDigester final : public state::ChangeSink {
 public:
  Digest Update(state::StateSet& states) {
    for (state::DeclaredState* declared : states.states()) {
      state_ = declared->id().ToString();
      declared->TakeChanges(*this);
    }
    return digest_;
  }
  // An entry that is there from the start.
  void Load(std::string_view state, std::string_view key, std::string_view value) {
    state_ = state;
    Put(key, value);
  }
  void Put(std::string_view key, std::string_view value) override {
    Replace(key, state::EntryDigest(state_, key, value));
  }
  void Delete(std::string_view key) override { Replace(key, Digest{}); }

 private:
  void Replace(std::string_view key, const Digest& entry) {
    Digest& kept = entries_[absl::StrCat(state_, std::string_view("\0", 1), key)];
    digest_.Subtract(kept);
    digest_.Add(entry);
    kept = entry;
  }

  std::string state_;
  absl::flat_hash_map<std::string, Digest> entries_;
  Digest digest_;
};

// One replay of one lane.
class Replayer {
 public:
  Replayer(const LaneSpec& spec, const ReplayOptions& options) : spec_(spec), options_(options) {}

  absl::StatusOr<ReplayResult> Run(log::Log& log) {
    std::vector<state::SnapshotInfo> snapshots;
    std::vector<std::string> problems;  // what is damaged is not used; telling it is not our task
    if (options_.snapshots != nullptr) {
      ASSIGN_OR_RETURN(snapshots, options_.snapshots->List(problems));
    }
    ASSIGN_OR_RETURN(
        const internal::JournalScan scan,
        internal::ScanJournal(spec_, log, {options_.fingerprint, options_.job_hash, options_.stop},
                              snapshots));
    result_.is_ours = scan.last_foreign == 0 || scan.last_fingerprint == options_.fingerprint;
    RETURN_IF_ERROR(ReadStateDigests(log));
    RETURN_IF_ERROR(Start(scan, snapshots));
    RETURN_IF_ERROR(ExecuteAll(log));
    result_.output_digest = executor_->output().digest();
    result_.state_digest = digester_.Update(executor_->states());
    return result_;
  }

 private:
  // A snapshot's digest is journalled some records after its position.
  absl::Status ReadStateDigests(log::Log& log) {
    ASSIGN_OR_RETURN(internal::JournalCursor cursor, internal::JournalCursor::Open(log, spec_));
    while (true) {
      RETURN_IF_ERROR(CheckStop(options_.stop));
      ASSIGN_OR_RETURN(const bool more, cursor.Next());
      if (!more) return absl::OkStatus();
      const JournalRecord& record = cursor.record();
      if (!record.has_commit() || !record.commit().has_snapshot()) continue;
      const journal::v1::SnapshotTaken& snapshot = record.commit().snapshot();
      state_digests_[snapshot.sequence()] = FromBytes(snapshot.state_digest());
    }
  }

  // At the beginning, or at the oldest snapshot from which on all was computed as it would be here.
  absl::Status Start(const internal::JournalScan& scan,
                     const std::vector<state::SnapshotInfo>& snapshots) {
    start_.fingerprint = scan.foreign_fingerprint;
    start_.first_own_claim = scan.first_own_claim;
    start_.sink_bytes.resize(spec_.stage->sinks.size());
    start_.sink_digests.resize(spec_.stage->sinks.size());
    if (scan.last_foreign == 0) {
      ASSIGN_OR_RETURN(executor_, Executor::Make(*spec_.stage, spec_.inputs));
      executor_->SetStop(options_.stop);
    } else {
      for (auto oldest = snapshots.rbegin(); oldest != snapshots.rend(); ++oldest) {
        if (executor_ != nullptr || !scan.CanStartFrom(oldest->key)) continue;
        bool damaged = false;
        const absl::Status status = StartFrom(*oldest, damaged);
        if (!status.ok() && !damaged) return status;
      }
      if (executor_ == nullptr) return NoStart(scan);
    }
    lengths_ = start_.sink_bytes;
    result_.first_sequence = start_.sequence + 1;
    return options_.start ? options_.start(start_) : absl::OkStatus();
  }

  absl::Status StartFrom(const state::SnapshotInfo& snapshot, bool& damaged) {
    digester_ = {};
    const auto load = [&](const state::SnapshotStore::EntryFunction& entry) {
      return options_.snapshots->Read(
          snapshot.key, [&](std::string_view state, std::string_view key, std::string_view value) {
            digester_.Load(state, key, value);
            return entry(state, key, value);
          });
    };
    ASSIGN_OR_RETURN(internal::Restored restored,
                     internal::RestoreExecutor(spec_, snapshot, load, {}, options_.stop, damaged));
    executor_ = std::move(restored.executor);
    start_.sequence = snapshot.key.sequence;
    start_.sink_bytes = std::move(restored.sink_bytes);
    const std::vector<Digest>& digests = executor_->output().destination_digests();
    start_.sink_digests.assign(digests.end() - static_cast<ptrdiff_t>(start_.sink_bytes.size()),
                               digests.end());
    return CheckState(start_.sequence);
  }

  absl::Status NoStart(const internal::JournalScan& scan) const {
    return absl::FailedPreconditionError(absl::StrCat(
        "FingerprintMismatch: journal position ", scan.last_foreign, " of lane ", spec_.name,
        " was written by ", scan.foreign_fingerprint, " and this is ", options_.fingerprint,
        ", and there is no whole snapshot from there on to replay from"));
  }

  absl::Status ExecuteAll(log::Log& log) {
    ASSIGN_OR_RETURN(internal::JournalCursor cursor, internal::JournalCursor::Open(log, spec_));
    while (true) {
      RETURN_IF_ERROR(CheckStop(options_.stop));
      ASSIGN_OR_RETURN(const bool more, cursor.Next());
      if (!more) return absl::OkStatus();
      const JournalRecord& record = cursor.record();
      result_.last_sequence = record.sequence();
      if (record.sequence() <= start_.sequence) continue;
      if (record.has_commit()) {
        RETURN_IF_ERROR(ExecuteCommit(record.sequence(), record.commit()));
      }
      RETURN_IF_ERROR(CheckState(record.sequence()));
    }
  }

  absl::Status ExecuteCommit(uint64_t sequence, const journal::v1::Commit& commit) {
    RETURN_IF_ERROR(Annotate(executor_->Apply(commit),
                             absl::StrCat("journal position ", sequence, " of lane ", spec_.name)));
    RETURN_IF_ERROR(CheckDigest(spec_, sequence, commit, *executor_));
    for (size_t i = 0; i < lengths_.size(); ++i) {
      const std::string& bytes = executor_->output().sink_bytes(i);
      lengths_[i] += bytes.size();
      if (i >= static_cast<size_t>(commit.sink_bytes_size()) ||
          commit.sink_bytes(static_cast<int>(i)) != lengths_[i]) {
        return absl::DataLossError(absl::StrCat("journal position ", sequence, " of lane ",
                                                spec_.name, ": sink '", spec_.stage->sinks[i].name,
                                                "' has ", lengths_[i],
                                                " bytes, the journal says otherwise"));
      }
      if (!bytes.empty() && options_.receive) RETURN_IF_ERROR(options_.receive(i, bytes));
    }
    executor_->MarkCommitted();
    ++result_.num_commits;
    return absl::OkStatus();
  }

  absl::Status CheckState(uint64_t sequence) {
    const auto expected = state_digests_.find(sequence);
    if (expected == state_digests_.end()) return absl::OkStatus();
    const Digest computed = digester_.Update(executor_->states());
    ++result_.num_state_checks;
    if (computed == expected->second) return absl::OkStatus();
    return absl::DataLossError(
        absl::StrCat("journal position ", sequence, " of lane ", spec_.name, ": state digest is ",
                     computed.ToHex(), " and the journal says ", expected->second.ToHex(),
                     ": the state went another way than its inputs; way out: "
                     "report it with the job and its inputs, and start over "
                     "in an empty data folder"));
  }

  const LaneSpec& spec_;
  const ReplayOptions& options_;
  std::unique_ptr<Executor> executor_;
  StateDigester digester_;
  std::map<uint64_t, Digest> state_digests_;  // by journal position
  ReplayStart start_;
  std::vector<uint64_t> lengths_;
  ReplayResult result_;
};

}  // namespace

absl::StatusOr<ReplayResult> Replay(const LaneSpec& spec, log::Log& log,
                                    const ReplayOptions& options) {
  return Replayer(spec, options).Run(log);
}

}  // namespace streamml::lane
