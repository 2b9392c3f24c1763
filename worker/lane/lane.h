// The lane: unit of order, state, transaction and recovery. Runs an Executor, commits what it emits
// with one journal record per transaction, takes snapshots, and comes back after a crash to exactly
// where the journal says it was.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/disk.h"
#include "base/hash.h"
#include "worker/lane/background.h"
#include "worker/lane/executor.h"
#include "worker/lane/program.h"
#include "worker/lane/restore_source.h"
#include "worker/log/log.h"
#include "worker/state/snapshot_store.h"

namespace streamml::journal::v1 {
class Commit;
class JournalRecord;
class LaneState;
class Retained;
}  // namespace streamml::journal::v1

namespace streamml::lane {

namespace internal {
class JournalCursor;
class Retention;
class SnapshotTask;
class TruncationTask;
struct JournalScan;
struct Past;
}  // namespace internal

struct FileIdentity {
  uint32_t input = 0;
  std::string path;
  uint64_t size_bytes = 0;
  Digest content_hash;
};

struct TopicIdentity {
  uint32_t input = 0;
  std::string topic;
  std::string cluster;
  std::string id;  // another one when the topic was deleted and made again
  uint32_t partition = 0;
};

// A part of the job that decides results, by its name in messages, and the hash of what it says or
// a number.
struct JobPart {
  std::string name;   // "views[features]", "partitions of source events"
  std::string value;  // "#89ab...": a hash; else as people write it
};

// An input that is a channel of the log.
struct ChannelRead {
  struct Other {
    uint32_t lane = 0;
    uint32_t input = 0;  // index among its inputs
  };
  uint32_t input = 0;  // index among the lane's inputs
  log::ChannelId id;
  std::vector<Other> others;  // lanes besides it that read the same partition
};

struct LaneSpec {
  uint32_t index = 0;  // among all lanes of the job; names its journal
  std::string name;    // "payments[0]": stage and lane in it
  uint32_t part = 0;   // lane in its stage; names its part files
  std::shared_ptr<const StageSpec> stage;
  std::vector<InputFactory> inputs;
  std::vector<FileIdentity> files;    // those inputs that are files
  std::vector<TopicIdentity> topics;  // those that are partitions of topics
  std::vector<JobPart> parts;         // of the job; for messages
  std::vector<ChannelRead> channels;  // those that are channels
};

// Gets a snapshot that is durable, in another thread: ReadSaved of the store hands over its
// entries. While it is at work the lane goes on, without another snapshot.
using SnapshotExport =
    std::function<void(const state::SnapshotInfo& snapshot, state::SnapshotStore& store)>;

// What a lane needs of the world. Everything referred to must outlive the lane.
struct LaneEnvironment {
  Disk& disk;
  log::Log& log;
  state::SnapshotStore& snapshots;
  BackgroundRunner& background;  // snapshots are saved in it
  std::string data_folder;       // sinks' part files are written below it
  std::string worker;            // this process: another one in each life
  std::string fingerprint;       // of this build on this machine (I3)
  uint64_t job_hash = 0;         // of all in the job that decides results
  StopFunction stop = {};        // asked all along while a lane is opened; may be empty
  // Asked when the log could not take a transaction for a reason that may pass: waits a while, or
  // says false, and the lane fails. Without it the lane fails at once.
  std::function<bool(const absl::Status& status, int attempt)> wait_for_log = {};
  // What the lanes of this incarnation begin from, in place of nothing; null: nothing, or it is not
  // known, which is enough while snapshots last.
  RestoreSource* restore = nullptr;
  // Why it is not known although the manifest names one.
  absl::Status restore_problem = {};
  uint32_t incarnation = 1;  // of the job; from 2 on no lane begins from nothing
  // So long what was computed can be replayed, at least; 0: always, and nothing is removed (I5).
  int64_t keep_us = 0;
  // Microseconds since 1970: from it snapshots have their age, and nothing else is made of it.
  // Empty: they have none, and nothing is removed.
  std::function<int64_t()> utc_us = {};
  // What values of states may take in memory; those that are saved leave it beyond that, where the
  // snapshots can be read back. Null: no bound.
  state::MemoryBudget* memory = nullptr;
};

// Path of the part file a lane writes for a sink.
std::string PartPath(const std::string& data_folder, const SinkOutput& sink, uint32_t part);
// Opens a part file behind its last byte; made where it is missing, and then its name is durable.
absl::StatusOr<std::unique_ptr<AppendFile>> OpenPart(Disk& disk, const std::string& data_folder,
                                                     const SinkOutput& sink, uint32_t part);

// One thread at a time. After any error the lane must be dropped and opened again: the outcome of
// what was under way is read from the journal then.
class Lane {
 public:
  // Reads the journal, without disturbing an owner, and restores the newest usable snapshot.
  // `notes` gets a line for everything a person may want to know (torn tails, snapshots that could
  // not be used). Then CatchUp() and TakeOver().
  //
  // Errors of these: FAILED_PRECONDITION: another job, other input files or another fingerprint
  // than the journal's, or a part file that has bytes although the journal is empty. DATA_LOSS:
  // what was committed cannot be reproduced; the message names position and way out (I8).
  // UNAVAILABLE: the log cannot be read. CANCELLED soon after a stop is asked for; nothing is lost
  // by it.
  static absl::StatusOr<std::unique_ptr<Lane>> Follow(LaneSpec spec,
                                                      const LaneEnvironment& environment,
                                                      std::vector<std::string>& notes);
  // Replays what was committed since, at most so many records, and checks every digest on the way
  // (I1). False when there was nothing more.
  absl::StatusOr<bool> CatchUp(size_t max_records);
  // Shuts out whoever owned the lane, replays the rest of what it committed, and cuts part files to
  // their committed length. From now on this is the owner, and Claim() is next. `assignment`: the
  // number of the assignment that gave the lane to this worker, 0 where nobody assigns; ABORTED
  // when the lane was claimed under a later one, and then, with few exceptions, nobody was shut out
  // (I4).
  absl::Status TakeOver(uint64_t assignment, std::vector<std::string>& notes);
  // The owner commits, lets go and follows whoever takes over next. A snapshot that is under way
  // goes on.
  absl::Status LetGo();
  // ABORTED when the lane was claimed under a later assignment than this one, as far as the journal
  // was read.
  absl::Status CheckAssignment(uint64_t assignment) const;
  // The last claim in the journal, as far as it was read, is another process's under the same
  // assignment: the worker was started twice, or its last life may not have ended. Neither has the
  // better right; only a newer assignment decides.
  bool IsContested(uint64_t assignment) const;
  // Follows and takes over at once.
  static absl::StatusOr<std::unique_ptr<Lane>> Open(LaneSpec spec,
                                                    const LaneEnvironment& environment,
                                                    std::vector<std::string>& notes);

  // Writes the claim of this owner. Once, before the first Advance and after all lanes of the job
  // have been opened, so that a job that cannot go on leaves no trace. Nothing for a finished lane.
  absl::Status Claim();
  // Reads and processes about `max_rows` rows. False when there was nothing to do. When an input
  // cannot be read, what was read before it is committed first; input_failed() then, and the lane
  // may still be stopped in order.
  absl::StatusOr<bool> Advance(size_t max_rows);
  // As Executor::RaiseIdle; the next commit journals it.
  absl::Status RaiseIdle(const std::vector<bool>& idle);
  // Makes durable and visible what was processed since the last commit: part files first, then rows
  // for other lanes and the journal record in one transaction. Does nothing when there is nothing
  // to say.
  absl::Status Commit();
  // Captures the state as of the last commit, all that was processed being committed, and leaves it
  // to the background to make a snapshot of it. The first commit after that is done journals its
  // state digest; if it failed, the next Advance or Commit returns the error. Nothing while one is
  // under way or when nothing was committed since the last.
  absl::Status StartSnapshot() { return StartSnapshotFor(nullptr); }
  // Also hands it to `take`; when nothing was committed since the last, that one. `take` is not
  // called when the snapshot fails, nor while one is under way: that is INTERNAL.
  absl::Status StartExport(SnapshotExport take);
  bool snapshot_under_way() const { return snapshot_ != nullptr; }
  // The values of its states exceed their memory, and none can leave it before they are saved: a
  // snapshot is due.
  bool needs_snapshot() const { return needs_snapshot_ && snapshot_ == nullptr; }
  // After the last row: commits and, once, takes the final snapshot and journals its state digest.
  // Waits for the snapshot, as Stop() and the destructor do.
  absl::Status Finish();
  // For an orderly stop before the end: commit, snapshot, and a record of it.
  absl::Status Stop();
  // For a lane that has had nothing to write for a while: ABORTED when another owner has written
  // into its journal meanwhile. A journal that cannot be read says nothing.
  absl::Status CheckNotReplaced();

  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // All inputs have ended and Finish() has been done, in this life or an earlier one.
  bool finished() const { return finished_; }
  // All inputs have ended and all rows are processed; Finish() is due.
  bool at_end() const { return executor_->finished(); }
  bool input_failed() const { return executor_->input_failed() && !broken_; }
  bool has_uncommitted() const { return executor_->has_news(); }
  bool must_commit() const { return executor_->journal_is_full(); }  // before it reads more
  size_t uncommitted_bytes() const { return executor_->output().size_bytes(); }

  const LaneSpec& spec() const { return spec_; }
  const Executor& executor() const { return *executor_; }
  // Sequence number of the last journal record, 0 before the first.
  uint64_t journal_sequence() const { return sequence_; }
  uint64_t num_commits() const { return num_commits_; }  // in this life
  // The latest assignment that the lane was claimed under, as far as the journal was read; 0: none.
  uint64_t claimed_assignment() const { return assignment_; }
  Digest output_digest() const { return executor_->output().digest(); }
  // Of the newest snapshot; complete once finished or stopped.
  const Digest& state_digest() const { return state_digest_; }
  uint64_t snapshot_sequence() const { return snapshot_sequence_; }
  // Of the store that its snapshots are copied to; null where there is none.
  state::Uploads* uploads() const { return environment_.snapshots.uploads(); }
  // The position of the snapshot that this life began from, 0: none.
  uint64_t restored_sequence() const { return restored_sequence_; }
  // The oldest journal position that can be replayed, as far as the journal says.
  uint64_t oldest_replayable() const;
  // Why what nobody needs any more could not be removed at the last attempt; it costs disk only.
  const absl::Status& truncation_problem() const { return truncation_problem_; }

 private:
  Lane(LaneSpec spec, const LaneEnvironment& environment);

  absl::Status Restore(std::vector<std::string>& notes);
  // False when the snapshot cannot be used; why is in the notes.
  absl::StatusOr<bool> RestoreFrom(const state::SnapshotInfo& snapshot,
                                   const std::vector<state::SnapshotInfo>& all,
                                   std::vector<std::string>& notes);
  absl::Status BeginAnew(const std::vector<state::SnapshotInfo>& snapshots,
                         const absl::Status& listed);
  absl::Status NothingToBeginFrom(const internal::JournalScan& scan,
                                  const std::vector<state::SnapshotInfo>& snapshots) const;
  absl::Status ExplainTruncated(const absl::Status& status, uint64_t began_at) const;
  absl::Status KeepFirstOfFingerprint(const internal::JournalScan& journal,
                                      const std::vector<state::SnapshotInfo>& snapshots);
  absl::Status CheckBeginning(const internal::JournalScan& journal) const;
  absl::Status BeginFromSavepoint(std::vector<std::string>& notes);
  absl::Status LoadSavepoint();
  absl::Status NoSavepoint(std::string_view what) const;
  absl::Status StartSnapshotFor(SnapshotExport take);
  void DescribePlace(journal::v1::LaneState& state) const;
  // retain.cc: what is needed, what is told of it, and the removal of the rest.
  int64_t Now() const { return environment_.utc_us ? environment_.utc_us() : 0; }
  void KeepSnapshots();
  // For the next snapshot; empty where it is not due.
  std::function<absl::Status(state::SnapshotStore&, std::vector<state::SnapshotInfo>&)>
  LookForOthers();
  void NoteOthers(const internal::SnapshotTask& task);
  void NoteSnapshot(const internal::SnapshotTask& task);
  journal::v1::Retained Needed() const;
  uint64_t NeededFrom() const;
  void TruncateIfDue();
  // Sets `damaged` when it is the snapshot that is wrong, not what it rests on.
  absl::Status RestoreSnapshot(const state::SnapshotInfo& snapshot, bool& damaged);
  absl::Status ExecuteAll();
  absl::StatusOr<bool> ExecuteNext(size_t max_records);
  absl::Status Execute(const journal::v1::JournalRecord& record);
  absl::Status FenceAndCatchUp(uint64_t assignment, std::vector<std::string>& notes);
  absl::Status CheckJournalIsThere() const;
  absl::Status RepairSinks(std::vector<std::string>& notes);
  std::string WayToWriteAgain() const;
  // Takes the result of a snapshot that is done; Await waits for it first.
  absl::Status CollectSnapshot();
  absl::Status AwaitSnapshot();
  // Of a new executor; and when all that it has processed is committed.
  void LetValuesLeave(Executor& executor) const;
  absl::Status KeepToMemory();
  absl::Status WriteSinks();
  absl::Status WriteCommit(journal::v1::Commit& commit, bool markers);
  absl::Status Append(const journal::v1::JournalRecord& record, log::Transaction& transaction);
  absl::Status Send(const log::Transaction& transaction);
  absl::Status AppendAgain(const log::Transaction& transaction);
  absl::Status CheckNotReplaced(const log::Transaction& transaction);
  absl::StatusOr<std::optional<log::Position>> CheckOwner(const log::Transaction& transaction);

  const LaneSpec spec_;
  LaneEnvironment environment_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<internal::JournalCursor> cursor_;  // of who follows
  std::unique_ptr<log::LaneWriter> writer_;          // of the owner
  std::vector<std::unique_ptr<AppendFile>> sink_files_;
  std::vector<uint64_t> sink_bytes_;  // committed lengths
  uint64_t sequence_ = 0;
  log::Position journal_end_;  // after the last record
  uint64_t epoch_ = 0;
  uint64_t assignment_ = 0;  // the latest that the lane was claimed under
  Digest history_;           // chained over all journal records
  log::Position record_at_;  // where the last of them stands
  std::unique_ptr<internal::Past> past_;
  int64_t committed_watermark_ = data::kMinTime;
  uint64_t num_commits_ = 0;
  uint64_t restored_sequence_ = 0;
  uint64_t orphan_ = 0;  // position of a snapshot that was there when no journal was seen
  bool snapshot_unreported_ = false;
  uint64_t snapshot_sequence_ = 0;
  Digest state_digest_;
  bool finished_ = false;
  bool claimed_ = false;
  bool store_is_stale_ = false;  // the snapshot store holds nothing that this journal knows
  bool needs_snapshot_ = false;
  bool broken_ = false;  // a write failed: its outcome is unknown
  std::unique_ptr<internal::Retention> retention_;
  uint64_t base_ = 0;            // that the next record names; 0: all is needed
  uint64_t truncated_base_ = 0;  // for which truncation was tried
  bool knows_others_ = false;    // snapshots that other owners have made up to where this one began
  uint64_t num_looks_failed_ = 0;  // in a row
  uint64_t snapshots_until_look_ = 0;
  absl::Status truncation_problem_;
  // Under way; last: their ends are awaited first.
  std::unique_ptr<internal::TruncationTask> truncation_;
  std::unique_ptr<internal::SnapshotTask> snapshot_;
};

// Parses and checks one journal record. DATA_LOSS for one that cannot be understood.
absl::Status ParseRecord(const std::string& bytes, journal::v1::JournalRecord& record);

// A commit's digest against what was computed; DATA_LOSS with the position and the way out.
absl::Status CheckDigest(const LaneSpec& spec, uint64_t sequence, const journal::v1::Commit& commit,
                         const Executor& executor);

}  // namespace streamml::lane
