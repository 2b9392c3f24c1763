#include "worker/cli/job_folder.h"

#include <unistd.h>

#include <utility>

#include "base/status.h"
#include "worker/cli/notes.h"
#include "worker/lane/fingerprint.h"
#include "worker/log/file/file_log.h"
#include "worker/log/kafka/kafka_log.h"
#include "worker/plan/plan.h"
#include "worker/state/rocksdb/rocksdb_snapshots.h"

namespace streamml::cli {
namespace {

// For people who read journals; decides nothing.
std::string WorkerName() {
  char host[256] = "unknown";
  if (gethostname(host, sizeof(host) - 1) != 0) host[0] = '?';
  return absl::StrCat(host, ":", getpid());
}

std::string StateFolder(const Job& job) { return absl::StrCat(job.data_dir, "/.streamml"); }

void TellAll(const std::vector<std::string>& notes, const NoteFunction& note) {
  for (const std::string& line : Summarize(notes)) note(line);
}

absl::Status InUse(const absl::Status& status, const Job& job) {
  if (!absl::IsFailedPrecondition(status)) {
    return Annotate(status, absl::StrCat("data folder '", job.data_dir, "'"));
  }
  return Annotate(status, absl::StrCat("data folder '", job.data_dir,
                                       "' is in use: wait for the other process or stop it, or use "
                                       "another --data-dir"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<JobFolder>> JobFolder::Open(const Job& job, Disk& disk,
                                                           bool must_exist,
                                                           const NoteFunction& note) {
  std::unique_ptr<JobFolder> folder(new JobFolder(job, disk));
  RETURN_IF_ERROR(job.plan.log_cluster.empty() ? folder->OpenFiles(must_exist, note)
                                               : folder->OpenKafka(must_exist));
  return folder;
}

absl::Status JobFolder::OpenFiles(bool must_exist, const NoteFunction& note) {
  const std::string log_folder = absl::StrCat(StateFolder(job_), "/log");
  if (must_exist) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(log_folder));
    if (names.empty()) {
      return absl::NotFoundError(
          absl::StrCat("data folder '", job_.data_dir, "' holds no job: there is no '", log_folder,
                       "'; give the --data-dir that `streamml run` was given"));
    }
  }
  std::vector<std::string> notes;
  auto log = log::OpenFileLog(disk_, log_folder, static_cast<uint32_t>(job_.plan.lanes.size()),
                              log::FileLogOptions{}, notes);
  TellAll(notes, note);
  if (!log.ok()) return InUse(log.status(), job_);
  log_ = *std::move(log);
  return absl::OkStatus();
}

// The folder holds snapshots and part files only: what is gone is made again from the journal.
absl::Status JobFolder::OpenKafka(bool must_exist) {
  const std::string folder = StateFolder(job_);
  RETURN_IF_ERROR(disk_.MakeDirectories(folder));
  auto lock = disk_.Lock(absl::StrCat(folder, "/lock"));
  if (!lock.ok()) return InUse(lock.status(), job_);
  lock_ = *std::move(lock);
  ASSIGN_OR_RETURN(log::KafkaCluster * cluster, job_.clusters->Get(job_.plan.log_cluster));
  log::KafkaLogOptions options;
  options.identity = job_.identity;
  options.num_lanes = static_cast<uint32_t>(job_.plan.lanes.size());
  options.create = !must_exist;
  for (const plan::StagePlan& stage : job_.plan.stages) {
    if (!stage.topic.empty()) options.topics.push_back({stage.topic, stage.num_partitions});
  }
  ASSIGN_OR_RETURN(log_, log::OpenKafkaLog(*cluster, options));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<state::SnapshotStore>> JobFolder::OpenSnapshots(uint32_t lane) {
  return state::MakeRocksDbSnapshots(disk_, absl::StrCat(StateFolder(job_), "/lanes/", lane));
}

absl::Status JobFolder::OpenLanes(const NoteFunction& note, const std::function<bool()>& stop) {
  absl::Status status = OpenAll(note, stop);
  if (stop() && (status.ok() || absl::IsCancelled(status))) {
    lanes_.clear();
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(status);
  for (const std::unique_ptr<lane::Lane>& lane : lanes_) {
    RETURN_IF_ERROR(Annotate(lane->Claim(), absl::StrCat("data folder '", job_.data_dir, "'")));
  }
  return MakeFirstParts();
}

absl::Status JobFolder::OpenAll(const NoteFunction& note, const std::function<bool()>& stop) {
  const std::string fingerprint = lane::Fingerprint();
  const std::string worker = WorkerName();
  std::vector<std::string> notes;
  for (uint32_t index = 0; index < job_.plan.lanes.size() && !stop(); ++index) {
    ASSIGN_OR_RETURN(std::unique_ptr<state::SnapshotStore> snapshots, OpenSnapshots(index));
    snapshots_.push_back(std::move(snapshots));
    ASSIGN_OR_RETURN(lane::LaneSpec spec, plan::MakeLaneSpec(job_.plan, index, *log_, stop));
    const lane::LaneEnvironment environment{disk_,
                                            *log_,
                                            *snapshots_.back(),
                                            *background_,
                                            job_.data_dir,
                                            worker,
                                            fingerprint,
                                            job_.plan.job_hash,
                                            stop,
                                            [this](const absl::Status& status, int attempt) {
                                              return patience_.Wait(status, attempt);
                                            }};
    auto lane = lane::Lane::Open(std::move(spec), environment, notes);
    if (!lane.ok()) {
      TellAll(notes, note);
      return Annotate(lane.status(), absl::StrCat("data folder '", job_.data_dir, "'"));
    }
    lanes_.push_back(*std::move(lane));
  }
  TellAll(notes, note);
  return absl::OkStatus();
}

absl::Status JobFolder::MakeFirstParts() {
  for (const plan::StagePlan& stage : job_.plan.stages) {
    for (const lane::SinkOutput& sink : stage.spec->sinks) {
      if (sink.node == lane::SinkOutput::kNoRows || !sink.topic.empty()) continue;
      const std::string path = lane::PartPath(job_.data_dir, sink, 0);
      absl::Status found = disk_.OpenForRead(path).status();
      if (found.ok()) continue;
      if (!absl::IsNotFound(found)) return found;
      RETURN_IF_ERROR(disk_.MakeDirectories(ParentDirectory(path)));
      RETURN_IF_ERROR(disk_.OpenForAppend(path).status());
      RETURN_IF_ERROR(disk_.SyncDirectory(ParentDirectory(path)));
    }
  }
  return absl::OkStatus();
}

}  // namespace streamml::cli
