#include "worker/lane/replay.h"

#include <algorithm>
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
    std::reverse(snapshots.begin(), snapshots.end());
    RETURN_IF_ERROR(FindKept(log, snapshots));
    ASSIGN_OR_RETURN(
        const internal::JournalScan scan,
        internal::ScanJournal(spec_, log, {options_.fingerprint, options_.job_hash, options_.stop},
                              begin_));
    result_.is_ours =
        scan.last_foreign == 0 || scan.past.provenance.claimed() == options_.fingerprint;
    RETURN_IF_ERROR(ReadStateDigests(log));
    RETURN_IF_ERROR(Start(log, scan, snapshots));
    RETURN_IF_ERROR(ExecuteAll(log));
    result_.output_digest = executor_->output().digest();
    result_.state_digest = digester_.Update(executor_->states());
    return result_;
  }

 private:
  // The first place from which the journal can be read and that the lane says it needs: the
  // beginning, or the oldest snapshot (of these, oldest first) that counts.
  absl::Status FindKept(log::Log& log, const std::vector<state::SnapshotInfo>& snapshots) {
    ASSIGN_OR_RETURN(const journal::v1::Retained needed, internal::LastRetained(log, spec_.index));
    ASSIGN_OR_RETURN(internal::JournalCursor cursor, internal::JournalCursor::OpenKept(log, spec_));
    ASSIGN_OR_RETURN(const bool more, cursor.Next());
    const uint64_t first = more ? cursor.record().sequence() : 1;
    truncated_ = needed.sequence();
    if (first == 1 && truncated_ == 0) return absl::OkStatus();
    for (const state::SnapshotInfo& snapshot : snapshots) {
      if (snapshot.key.sequence < truncated_) continue;
      ASSIGN_OR_RETURN(auto place, internal::FindShown(log, spec_, snapshot));
      if (!place.has_value()) continue;
      begin_ = *std::move(place);
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "the journal of lane ", spec_.name, " is kept from position ", first,
        " on, and there is no whole snapshot from there on to replay from; way out: put the "
        "snapshots back, in the data folder or in the store of spec.snapshots.store"));
  }

  // A snapshot's digest is journalled some records after its position.
  absl::Status ReadStateDigests(log::Log& log) {
    ASSIGN_OR_RETURN(internal::JournalCursor cursor, OpenAt(log, begin_));
    while (true) {
      RETURN_IF_ERROR(CheckStop(options_.stop));
      ASSIGN_OR_RETURN(const bool more, cursor.Next());
      if (!more) return absl::OkStatus();
      const JournalRecord& record = cursor.record();
      if (record.has_restored()) {
        state_digests_[record.sequence()] = FromBytes(record.restored().state_digest());
      }
      if (!record.has_commit() || !record.commit().has_snapshot()) continue;
      const journal::v1::SnapshotTaken& snapshot = record.commit().snapshot();
      state_digests_[snapshot.sequence()] = FromBytes(snapshot.state_digest());
    }
  }

  absl::StatusOr<internal::JournalCursor> OpenAt(log::Log& log,
                                                 const internal::JournalPlace& place) const {
    if (place.sequence == 0) return internal::JournalCursor::OpenKept(log, spec_);
    return internal::JournalCursor::Open(log, spec_, place.next, place.history);
  }

  // At the beginning, or at the oldest snapshot from which on all is there and was computed as it
  // would be here.
  absl::Status Start(log::Log& log, const internal::JournalScan& scan,
                     const std::vector<state::SnapshotInfo>& snapshots) {
    start_.sink_bytes.resize(spec_.stage->sinks.size());
    start_.sink_digests.resize(spec_.stage->sinks.size());
    if (scan.last_foreign == 0 && begin_.sequence == 0) {
      ASSIGN_OR_RETURN(executor_, Executor::Make(*spec_.stage, spec_.inputs));
      executor_->SetStop(options_.stop);
    }
    for (size_t i = 0; i < snapshots.size() && executor_ == nullptr; ++i) {
      if (snapshots[i].key.sequence < std::max(scan.last_foreign, begin_.sequence)) continue;
      RETURN_IF_ERROR(StartIfPossible(log, snapshots[i]));
    }
    if (executor_ == nullptr) return NoStart(scan);
    if (start_.sequence > 0 && scan.last_foreign > truncated_) {
      start_.fingerprint = scan.foreign_fingerprint;
      start_.first_own_claim = scan.first_own_claim;
    }
    lengths_ = start_.sink_bytes;
    result_.first_sequence = start_.sequence + 1;
    result_.last_sequence = start_.sequence;
    return options_.start ? options_.start(start_) : absl::OkStatus();
  }

  // What is damaged, or reads inputs that are not kept so far back, is no place to start from.
  absl::Status StartIfPossible(log::Log& log, const state::SnapshotInfo& snapshot) {
    ASSIGN_OR_RETURN(auto place, internal::FindShown(log, spec_, snapshot));
    if (!place.has_value()) return absl::OkStatus();
    bool damaged = false;
    const absl::Status status = StartFrom(snapshot, damaged);
    if (status.ok()) begin_ = *std::move(place);
    if (damaged || absl::IsOutOfRange(status)) executor_ = nullptr;
    return damaged || absl::IsOutOfRange(status) ? absl::OkStatus() : status;
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
    const journal::v1::Restored& restored = scan.past.restored;
    if (restored.number() > 0 && scan.last_foreign == restored.total()) {
      return absl::FailedPreconditionError(
          absl::StrCat("lane ", spec_.name, " began from ", scan.foreign_fingerprint,
                       " at journal position ", restored.total(),
                       ", and there is no whole snapshot from there on to replay from; way "
                       "out: `streamml run` with spec.restoreFrom as it was makes it again"));
    }
    if (scan.last_foreign == 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("the journal of lane ", spec_.name, " is kept behind position ",
                       begin_.sequence, ", and no snapshot from there on is whole"));
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "FingerprintMismatch: journal position ", scan.last_foreign, " of lane ", spec_.name,
        " was written by ", scan.foreign_fingerprint, " and this is ", options_.fingerprint,
        ", and there is no whole snapshot from there on to replay from"));
  }

  absl::Status ExecuteAll(log::Log& log) {
    ASSIGN_OR_RETURN(internal::JournalCursor cursor, OpenAt(log, begin_));
    while (true) {
      RETURN_IF_ERROR(CheckStop(options_.stop));
      ASSIGN_OR_RETURN(const bool more, cursor.Next());
      if (!more) return absl::OkStatus();
      const JournalRecord& record = cursor.record();
      result_.last_sequence = record.sequence();
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
  internal::JournalPlace begin_;  // where it starts; at first, where it may at the earliest
  uint64_t truncated_ = 0;        // what came before may be gone
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
