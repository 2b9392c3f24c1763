#include "worker/cli/job_folder.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "base/status.h"
#include "worker/cli/beginning.h"
#include "worker/cli/notes.h"
#include "worker/cli/slow_note.h"
#include "worker/cli/store_view.h"
#include "worker/lane/fingerprint.h"
#include "worker/log/file/file_log.h"
#include "worker/log/kafka/kafka_log.h"
#include "worker/plan/plan.h"

namespace streamml::cli {
namespace {

constexpr size_t kMaxThreads = 16;  // that open lanes

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

JobFolder::JobFolder(const Job& job, Disk& disk)
    : job_(job),
      disk_(disk),
      worker_(WorkerName()),
      fingerprint_(lane::Fingerprint()),
      patience_(StopOverdue),
      lane_snapshots_(job.manifest.job.spec().snapshots(), job.plan, disk,
                      absl::StrCat(StateFolder(job), "/lanes"), StopRequested) {
  if (job.state_memory > 0) memory_.emplace(static_cast<int64_t>(job.state_memory));
}

absl::StatusOr<std::unique_ptr<JobFolder>> JobFolder::Open(const Job& job, Disk& disk,
                                                           bool must_exist,
                                                           const NoteFunction& note) {
  RETURN_IF_ERROR(CheckDataDir(job.data_dir));
  std::unique_ptr<JobFolder> folder(new JobFolder(job, disk));
  ASSIGN_OR_RETURN(folder->restore_, MakeSource(job.beginning, job.plan));
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
  if (!must_exist) {
    RETURN_IF_ERROR(KeepBeginning(job_.beginning, job_.data_dir, log_folder, disk_));
  }
  std::vector<std::string> notes;
  log::FileLogOptions options;
  options.readers = plan::ReadersOfLanes(job_.plan);
  auto log = log::OpenFileLog(disk_, log_folder, static_cast<uint32_t>(job_.plan.lanes.size()),
                              options, notes);
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
  RETURN_IF_ERROR(KeepIncarnation(job_.plan.owner.incarnation, job_.data_dir, disk_));
  ASSIGN_OR_RETURN(log::KafkaCluster * cluster, job_.clusters->Get(job_.plan.log_cluster));
  log::KafkaLogOptions options = KafkaLogOptionsOf(job_.plan);
  options.create = !must_exist;
  options.note = [this](const std::string& news) { patience_.Tell(news); };
  const SlowNote note(
      absl::StrCat("waiting for the brokers of cluster '", job_.plan.log_cluster, "'"));
  ASSIGN_OR_RETURN(log_, log::OpenKafkaLog(*cluster, options));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<state::SnapshotStore>> JobFolder::OpenSnapshots(uint32_t lane) {
  return lane_snapshots_.Open(lane);
}

std::string JobFolder::FinishUploads(int64_t timeout_us) {
  std::vector<state::Uploads*> stores;
  for (const auto& snapshots : snapshots_) {
    state::Uploads* uploads = snapshots == nullptr ? nullptr : snapshots->uploads();
    if (uploads != nullptr && uploads->upload_status().num_pending > 0) stores.push_back(uploads);
  }
  if (stores.empty()) return "";
  const SlowNote note("copying the last snapshots to their store");
  std::vector<std::thread> threads;
  threads.reserve(stores.size());
  for (state::Uploads* uploads : stores) {
    threads.emplace_back([uploads, timeout_us] { uploads->FinishUploads(timeout_us); });
  }
  for (std::thread& thread : threads) thread.join();
  StoreTotals totals;
  for (const state::Uploads* uploads : stores) {
    const state::UploadStatus status = uploads->upload_status();
    if (status.num_pending > 0) ++totals.num_lacking;
    if (totals.problem.empty()) totals.problem = status.problem;
  }
  if (totals.num_lacking == 0) return "";
  return absl::StrCat("the last snapshots of ", totals.num_lacking, " of ", snapshots_.size(),
                      " lane(s) are on this machine only, because their store did not take them",
                      totals.problem.empty() ? " in time" : ": ", totals.problem);
}

absl::Status JobFolder::OpenLanes(const NoteFunction& note, const std::function<bool()>& stop) {
  absl::Status status = OpenAll(note, stop);
  if (stop() && (status.ok() || absl::IsCancelled(status))) {
    lanes_.clear();
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(ForEachLane([this](uint32_t lane) { return lanes_[lane]->Claim(); }));
  return MakeFirstParts();
}

// Lanes whose log is on Kafka mostly wait for brokers, each on its own: several at a time, in order
// of their start. The first error by number of the lane; after one, no other is begun.
absl::Status JobFolder::ForEachLane(const std::function<absl::Status(uint32_t lane)>& work) {
  const size_t num_lanes = job_.plan.lanes.size();
  const size_t num_threads = job_.plan.log_cluster.empty() ? 1 : std::min(num_lanes, kMaxThreads);
  std::vector<absl::Status> results(num_lanes);
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  const auto do_some = [&] {
    for (size_t lane = next++; lane < num_lanes && !failed.load(); lane = next++) {
      results[lane] = work(static_cast<uint32_t>(lane));
      if (!results[lane].ok()) failed.store(true);
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < num_threads; ++i) threads.emplace_back(do_some);
  do_some();
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& result : results) {
    RETURN_IF_ERROR(Annotate(result, absl::StrCat("data folder '", job_.data_dir, "'")));
  }
  return absl::OkStatus();
}

// What a lane reads in its recovery is there soon after the lanes before it have been opened, which
// ends what their last owners left open.
absl::Status JobFolder::OpenAll(const NoteFunction& note, const std::function<bool()>& stop) {
  lanes_.resize(job_.plan.lanes.size());
  snapshots_.resize(lanes_.size());
  std::vector<std::vector<std::string>> notes(lanes_.size());
  const absl::Status status = ForEachLane([&](uint32_t lane) {
    return stop() ? absl::CancelledError("stopped") : OpenLane(lane, notes[lane], stop);
  });
  std::vector<std::string> all_notes;
  for (const std::vector<std::string>& some : notes) {
    all_notes.insert(all_notes.end(), some.begin(), some.end());
  }
  TellAll(all_notes, note);
  return status;
}

absl::Status JobFolder::OpenLane(uint32_t index, std::vector<std::string>& notes,
                                 const std::function<bool()>& stop) {
  ASSIGN_OR_RETURN(snapshots_[index], OpenSnapshots(index));
  ASSIGN_OR_RETURN(lane::LaneSpec spec, plan::MakeLaneSpec(job_.plan, index, *log_, stop));
  lane::LaneEnvironment environment{disk_,         *log_,   *snapshots_[index], *background_,
                                    job_.data_dir, worker_, fingerprint_,       job_.plan.job_hash,
                                    stop};
  environment.restore = restore_.get();
  environment.restore_problem = job_.beginning.problem;
  environment.incarnation = job_.plan.owner.incarnation;
  environment.keep_us = job_.plan.keep_us;
  environment.utc_us = [] { return SystemClock().UtcMicroseconds(); };
  if (memory_.has_value()) environment.memory = &*memory_;
  // Brokers come back. A log in files whose disk has failed must be opened anew.
  if (!job_.plan.log_cluster.empty()) {
    environment.wait_for_log = [this](const absl::Status& status, int attempt) {
      return patience_.Wait(status, attempt);
    };
  }
  ASSIGN_OR_RETURN(lanes_[index], lane::Lane::Open(std::move(spec), environment, notes));
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
      RETURN_IF_ERROR(lane::OpenPart(disk_, job_.data_dir, sink, 0).status());
    }
  }
  return absl::OkStatus();
}

}  // namespace streamml::cli
