#include "worker/lane/replay.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/internal/digest_bytes.h"

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
    RETURN_IF_ERROR(ReadStateDigests(log));
    ASSIGN_OR_RETURN(executor_, Executor::Make(*spec_.stage, spec_.inputs));
    lengths_.resize(spec_.stage->sinks.size());
    ASSIGN_OR_RETURN(const std::unique_ptr<log::JournalReader> reader,
                     log.OpenJournal(spec_.index));
    while (true) {
      ASSIGN_OR_RETURN(const std::optional<log::JournalEntry> entry, reader->Next());
      if (!entry.has_value()) break;
      JournalRecord record;
      RETURN_IF_ERROR(ParseRecord(entry->record, record));
      RETURN_IF_ERROR(Execute(record));
      result_.last_sequence = record.sequence();
    }
    result_.output_digest = executor_->output().digest();
    result_.state_digest = digester_.Update(executor_->states());
    return result_;
  }

 private:
  // A snapshot's digest is journalled some records after its position.
  absl::Status ReadStateDigests(log::Log& log) {
    ASSIGN_OR_RETURN(const std::unique_ptr<log::JournalReader> reader,
                     log.OpenJournal(spec_.index));
    while (true) {
      ASSIGN_OR_RETURN(const std::optional<log::JournalEntry> entry, reader->Next());
      if (!entry.has_value()) return absl::OkStatus();
      JournalRecord record;
      RETURN_IF_ERROR(ParseRecord(entry->record, record));
      if (!record.has_commit() || !record.commit().has_snapshot()) continue;
      const journal::v1::SnapshotTaken& snapshot = record.commit().snapshot();
      state_digests_[snapshot.sequence()] = FromBytes(snapshot.state_digest());
    }
  }

  absl::Status Execute(const JournalRecord& record) {
    if (record.has_claim()) {
      RETURN_IF_ERROR(CheckClaim(spec_, options_.job_hash, record));
      fingerprint_ = record.claim().fingerprint();
    } else {
      if (fingerprint_ != options_.fingerprint) {
        return absl::FailedPreconditionError(absl::StrCat(
            "FingerprintMismatch: journal position ", record.sequence(), " of lane ", spec_.name,
            " was written by ", fingerprint_, " and this is ", options_.fingerprint));
      }
      RETURN_IF_ERROR(ExecuteCommit(record.sequence(), record.commit()));
    }
    return CheckState(record.sequence());
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
    return absl::DataLossError(absl::StrCat("journal position ", sequence, " of lane ", spec_.name,
                                            ": state digest is ", computed.ToHex(),
                                            " and the journal says ", expected->second.ToHex(),
                                            ": the state went another way than its inputs"));
  }

  const LaneSpec& spec_;
  const ReplayOptions& options_;
  std::unique_ptr<Executor> executor_;
  StateDigester digester_;
  std::map<uint64_t, Digest> state_digests_;  // by journal position
  std::vector<uint64_t> lengths_;
  std::string fingerprint_;
  ReplayResult result_;
};

}  // namespace

absl::StatusOr<ReplayResult> Replay(const LaneSpec& spec, log::Log& log,
                                    const ReplayOptions& options) {
  return Replayer(spec, options).Run(log);
}

}  // namespace streamml::lane
