// `streamml replay --all`: executes every lane's journal again and compares digests, snapshots and
// part files.
#include <iostream>
#include <optional>

#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/cli/commands.h"
#include "worker/cli/exit_code.h"
#include "worker/cli/job_folder.h"
#include "worker/cli/part_check.h"
#include "worker/cli/signals.h"
#include "worker/cli/text.h"
#include "worker/lane/fingerprint.h"
#include "worker/lane/replay.h"

namespace streamml::cli {
namespace {

// The input files as the lane's first owner saw them; none while its journal is empty.
absl::StatusOr<std::vector<lane::FileIdentity>> ClaimedFiles(log::Log& log, uint32_t lane) {
  ASSIGN_OR_RETURN(const std::unique_ptr<log::JournalReader> reader, log.OpenJournal(lane));
  std::vector<lane::FileIdentity> files;
  journal::v1::JournalRecord record;
  do {  // what a savepoint wrote comes before the first claim
    ASSIGN_OR_RETURN(const std::optional<log::JournalEntry> entry, reader->Next());
    if (!entry.has_value()) return files;
    RETURN_IF_ERROR(lane::ParseRecord(entry->record, record));
  } while (record.has_restored());
  for (const journal::v1::FileIdentity& file : record.claim().files()) {
    ByteReader hash(file.content_hash());
    files.push_back({file.input(), file.path(), file.size_bytes(), {hash.U64(), hash.U64()}});
  }
  return files;
}

// The first file that is not what the lane's first owner saw, or an empty text.
std::string ChangedFile(const lane::LaneSpec& spec,
                        const std::vector<lane::FileIdentity>& claimed) {
  for (const lane::FileIdentity& then : claimed) {
    for (const lane::FileIdentity& now : spec.files) {
      if (now.input != then.input) continue;
      if (now.size_bytes != then.size_bytes || !(now.content_hash == then.content_hash))
        return now.path;
    }
  }
  return "";
}

class Replay {
 public:
  Replay(const Job& job, JobFolder& folder) : job_(job), folder_(folder) {}

  // All lanes, also after one that does not match, so that one replay shows all that is wrong. A
  // lane that had finished before the program changed has nothing that can be replayed; if that is
  // so of all lanes, it is another build's folder.
  absl::Status Execute() {
    size_t mismatches = 0;
    for (uint32_t index = 0; index < job_.plan.lanes.size(); ++index) {
      absl::Status status = ReplayLane(index);
      if (absl::IsCancelled(status)) return mismatches == 0 ? Stopped(index) : Differs(mismatches);
      if (!status.ok() && !absl::IsDataLoss(status)) return status;
      if (status.ok()) continue;
      ++mismatches;
      std::cout.flush();
      std::cerr << "  MISMATCH: " << status.message() << "\n";
    }
    if (mismatches > 0) return Differs(mismatches);
    if (is_ours_) return folder_.MakeFirstParts();
    return absl::FailedPreconditionError(absl::StrCat(
        "FingerprintMismatch: no lane was last run by a build or machine that computes "
        "the bits that this one does (fingerprint ",
        Options().fingerprint, "): replay with the one that ran it"));
  }

 private:
  absl::Status ReplayLane(uint32_t index) {
    const plan::LanePlan& planned = job_.plan.lanes[index];
    std::cout << "lane " << planned.name << std::endl;
    ASSIGN_OR_RETURN(const lane::LaneSpec spec,
                     plan::MakeLaneSpec(job_.plan, index, folder_.log(), StopRequested));
    ASSIGN_OR_RETURN(const std::vector<lane::FileIdentity> claimed,
                     ClaimedFiles(folder_.log(), index));
    const std::string changed = ChangedFile(spec, claimed);
    ASSIGN_OR_RETURN(const std::unique_ptr<state::SnapshotStore> store,
                     folder_.OpenSnapshots(index));
    if (!changed.empty()) return LocateChange(spec, claimed, changed, *store);
    ASSIGN_OR_RETURN(std::vector<std::optional<PartCheck>> parts, OpenParts(spec));
    lane::ReplayOptions options = Options();
    options.snapshots = store.get();
    options.start = [&parts](const lane::ReplayStart& start) {
      TellStart(start);
      for (size_t i = 0; i < parts.size(); ++i) {
        if (!parts[i].has_value()) continue;
        RETURN_IF_ERROR(parts[i]->Skip(start.sink_bytes[i], start.sink_digests[i]));
      }
      return absl::OkStatus();
    };
    std::vector<uint64_t> sent(parts.size());
    options.receive = [&parts, &sent](size_t sink, std::string_view bytes) {
      sent[sink] += bytes.size();
      return parts[sink].has_value() ? parts[sink]->Receive(bytes) : absl::OkStatus();
    };
    const auto result = lane::Replay(spec, folder_.log(), options);
    if (!result.ok()) return result.status();
    is_ours_ = is_ours_ || result->is_ours;
    Tell(*result);
    absl::Status status = CheckSnapshots(*store);
    for (size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].has_value()) status.Update(FinishPart(*parts[i]));
      if (!parts[i].has_value()) TellTopic(spec.stage->sinks[i], sent[i]);
    }
    return status;
  }

  // None for a sink that is a topic: what stands there was committed with the journal.
  absl::StatusOr<std::vector<std::optional<PartCheck>>> OpenParts(const lane::LaneSpec& spec) {
    std::vector<std::optional<PartCheck>> parts(spec.stage->sinks.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      const lane::SinkOutput& sink = spec.stage->sinks[i];
      if (!sink.topic.empty()) continue;
      ASSIGN_OR_RETURN(
          PartCheck part,
          PartCheck::Open(folder_.disk(), lane::PartPath(job_.data_dir, sink, spec.part),
                          StopRequested));
      parts[i].emplace(std::move(part));
    }
    return parts;
  }

  static void TellTopic(const lane::SinkOutput& sink, uint64_t bytes) {
    std::cout
        << "  sink " << sink.name << ", topic '" << sink.topic << "': " << bytes
        << " bytes computed again, digest equal to the journal's; the topic itself is neither "
           "read nor written\n";
  }

  lane::ReplayOptions Options() const {
    lane::ReplayOptions options;
    options.fingerprint = lane::Fingerprint();
    options.job_hash = job_.plan.job_hash;
    options.stop = StopRequested;
    return options;
  }

  // Replays a lane with an input file that has changed as if it had not, to find where it leads
  // elsewhere. Writes nothing.
  absl::Status LocateChange(lane::LaneSpec spec, const std::vector<lane::FileIdentity>& claimed,
                            const std::string& changed, state::SnapshotStore& store) {
    spec.files = claimed;
    const std::string what =
        absl::StrCat("input file '", changed, "' has changed since the job read it");
    lane::ReplayOptions options = Options();
    options.snapshots = &store;
    absl::Status status = lane::Replay(spec, folder_.log(), options).status();
    if (absl::IsCancelled(status)) return status;
    // The inputs are others than those that were claimed, which `run` calls so, too.
    if (!status.ok()) {
      return absl::FailedPreconditionError(absl::StrCat(what, ": ", status.message()));
    }
    return absl::FailedPreconditionError(
        absl::StrCat(what, ", though its rows give what they gave then; put it back as it was"));
  }

  static absl::Status Differs(size_t mismatches) {
    return absl::DataLossError(absl::StrCat("the replay found ", mismatches,
                                            mismatches == 1 ? " mismatch" : " mismatches",
                                            ": see above"));
  }

  absl::Status Stopped(uint32_t index) const {
    return absl::CancelledError(
        absl::StrCat("the replay was stopped in lane ", job_.plan.lanes[index].name,
                     " before its end: what was compared until then is equal and nothing is lost; "
                     "run it again to compare all"));
  }

  static void TellStart(const lane::ReplayStart& start) {
    if (start.sequence == 0) return;
    if (start.fingerprint.empty()) {
      std::cout << "  journal positions up to " << start.sequence
                << " are kept no longer (spec.replay.keep): what was emitted there cannot be "
                   "computed again and is left as it is; part files are compared up to there with "
                   "the digest kept in the snapshot\n";
      return;
    }
    if (start.fingerprint.starts_with("savepoint '")) {
      std::cout << "  journal positions up to " << start.sequence << " are " << start.fingerprint
                << ", from which the job began: its state is taken as it is\n";
      return;
    }
    std::cout << "  journal positions up to " << start.sequence
              << " were written by another build or machine (fingerprint " << start.fingerprint
              << "): what was emitted there cannot be computed again here and is left as it is; "
                 "part files are compared up to there with the digest kept in the snapshot\n";
    if (start.first_own_claim == 0 || start.sequence < start.first_own_claim) return;
    std::cout << "  note: this build or machine ran from position " << start.first_own_claim
              << " on, but the snapshot that it went on from is lost: it is replayed only from "
              << start.sequence + 1 << " on\n";
  }

  static void Tell(const lane::ReplayResult& result) {
    if (result.last_sequence == 0) {
      std::cout << "  the journal is empty\n";
      return;
    }
    std::cout << absl::StrFormat(
        "  journal positions %d (the oldest replayable) to %d: %s commits executed, every output "
        "digest equal\n"
        "  output digest %s\n  state digest  %s, compared with the journal at %d %s\n",
        result.first_sequence, result.last_sequence, WithCommas(result.num_commits),
        result.output_digest.ToHex(), result.state_digest.ToHex(), result.num_state_checks,
        result.num_state_checks == 1 ? "place" : "places");
  }

  // A torn snapshot is what a crash leaves and is told; one that looks whole and is not, is a
  // mismatch.
  static absl::Status CheckSnapshots(state::SnapshotStore& store) {
    std::vector<std::string> problems;
    ASSIGN_OR_RETURN(const std::vector<state::SnapshotInfo> snapshots, store.List(problems));
    for (const std::string& problem : problems) std::cout << "  note: " << problem << "\n";
    absl::Status first;
    for (const state::SnapshotInfo& snapshot : snapshots) {
      uint64_t entries = 0;
      const absl::Status status = store.Read(
          snapshot.key, [&entries](std::string_view, std::string_view, std::string_view) {
            ++entries;
            return lane::CheckStop(StopRequested);
          });
      if (absl::IsCancelled(status)) return status;
      const std::string where =
          absl::StrCat("snapshot at journal position ", snapshot.key.sequence);
      if (status.ok()) {
        std::cout << "  " << where << ": " << WithCommas(entries)
                  << " entries, every checksum equal\n";
      }
      first.Update(Annotate(status, absl::StrCat(where,
                                                 " (`streamml run` does not use it, and goes on "
                                                 "from an older one or the journal's beginning "
                                                 "where that is kept)")));
    }
    return first;
  }

  static absl::Status FinishPart(PartCheck& part) {
    ASSIGN_OR_RETURN(const PartCheck::Outcome outcome, part.Finish());
    if (outcome == PartCheck::Outcome::kDiffers) {
      return absl::DataLossError(absl::StrCat(
          "part file '", part.path(), "' differs from what was committed, first at byte ",
          *part.difference(), "; way out: move it away and replay again, which writes it anew"));
    }
    if (outcome == PartCheck::Outcome::kLost) {
      return absl::DataLossError(absl::StrCat(
          "part file '", part.path(),
          "' is missing, too short or not what it was before the oldest position that can be "
          "replayed: the rows that were written before it cannot be made again, and it is left as "
          "it is; way out: put it back from a copy, or start over in another --data-dir"));
    }
    if (part.size_bytes() == 0 && part.uncommitted_bytes() == 0) return absl::OkStatus();
    std::cout << "  " << part.path() << ": " << part.size_bytes() << " bytes, "
              << (outcome == PartCheck::Outcome::kWritten ? "written again" : "equal");
    if (part.uncommitted_bytes() > 0) {
      std::cout << "; " << part.uncommitted_bytes()
                << " bytes behind them are not committed, the next run cuts them";
    }
    std::cout << "\n";
    return absl::OkStatus();
  }

  const Job& job_;
  JobFolder& folder_;
  bool is_ours_ = false;
};

absl::Status Execute(const CommandLine& line, Disk& disk) {
  if (!line.replay_all) {
    return absl::InvalidArgumentError(
        "replay: add --all, which replays every lane from its oldest position; replaying a part of "
        "a journal is not "
        "built yet");
  }
  ASSIGN_OR_RETURN(const Job job, LoadJob(line));
  CatchStopSignals();
  const auto note = [](const std::string& text) { std::cerr << "note: " << text << "\n"; };
  ASSIGN_OR_RETURN(const std::unique_ptr<JobFolder> folder,
                   JobFolder::Open(job, disk, /*must_exist=*/true, note));
  RETURN_IF_ERROR(Replay(job, *folder).Execute());
  std::cout << job.name << ": replayed, everything is equal\n";
  return absl::OkStatus();
}

}  // namespace

int ReplayJob(const CommandLine& line, Disk& disk) {
  const absl::Status status = Execute(line, disk);
  return status.ok() ? kExitDone : Fail(status);
}

}  // namespace streamml::cli
