// `streamml savepoint`: takes a savepoint of a cluster that runs, or of a job that does not run
// just now, lists and removes them.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "worker/cli/beginning.h"
#include "worker/cli/commands.h"
#include "worker/cli/exit_code.h"
#include "worker/cli/job_folder.h"
#include "worker/cli/signals.h"
#include "worker/cli/slow_note.h"
#include "worker/cluster/desk.h"
#include "worker/lane/fingerprint.h"
#include "worker/log/kafka/kafka_log.h"
#include "worker/savepoint/cut.h"
#include "worker/savepoint/lane_part.h"

namespace streamml::cli {
namespace {

constexpr size_t kMaxName = 63;
constexpr int64_t kFinishUploadsUs = 30'000'000;

bool IsNameCharacter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

absl::Status CheckName(const std::string& name) {
  const bool is_label =
      !name.empty() && name.size() <= kMaxName && name.front() != '-' && name.back() != '-' &&
      std::all_of(name.begin(), name.end(), [](char c) { return IsNameCharacter(c) || c == '-'; });
  if (is_label) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", name,
                                                 "' cannot name a savepoint; allowed: "
                                                 "a-z, 0-9 and -, a letter or digit at both ends, "
                                                 "at most ",
                                                 kMaxName));
}

uint64_t NowMicroseconds() { return static_cast<uint64_t>(absl::ToUnixMicros(absl::Now())); }

// All lanes are at rest: whatever their order, it is a consistent cut.
class RestingJob {
 public:
  RestingJob(const std::string& name, const Job& job, const Savepoints& savepoints, Disk& disk)
      : name_(name), job_(job), savepoints_(savepoints), disk_(disk) {}

  absl::StatusOr<savepoint::Document> Take() {
    const auto note = [](const std::string& text) { std::cerr << "note: " << text << "\n"; };
    RETURN_IF_ERROR(CheckFolder());
    auto folder = JobFolder::Open(job_, disk_, /*must_exist=*/true, note);
    if (absl::IsFailedPrecondition(folder.status())) {
      return Annotate(folder.status(),
                      "a savepoint is taken while the job does not run (SIGTERM "
                      "stops it in order, running it again goes on)");
    }
    ASSIGN_OR_RETURN(folder_, std::move(folder));
    const SlowNote slow("taking the savepoint");
    RETURN_IF_ERROR(folder_->OpenLanes(note, StopRequested));
    if (folder_->lanes().empty()) return absl::CancelledError("stopped; there is no savepoint");
    savepoint::CutContents contents;
    contents.name = name_;
    contents.taken_us = NowMicroseconds();
    for (const auto& lane : folder_->lanes()) {
      ASSIGN_OR_RETURN(savepoint::v1::LanePart part, TakeLane(*lane));
      contents.parts.push_back(std::move(part));
      contents.specs.push_back(lane->spec());
    }
    auto document =
        savepoint::MakeSavepoint(job_.plan, folder_->log(), *savepoints_.store, contents);
    const std::string left_here = folder_->FinishUploads(kFinishUploadsUs);
    if (!left_here.empty()) note(left_here);
    return document;
  }

 private:
  // On Kafka a lane can be opened from anywhere, which shuts out whoever runs it: the folder has to
  // be the one of a job that rests.
  absl::Status CheckFolder() const {
    const std::string folder = absl::StrCat(job_.data_dir, "/.streamml");
    ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(folder));
    if (names.empty()) {
      return absl::NotFoundError(absl::StrCat(
          "data folder '", job_.data_dir, "' holds no job: there is no '", folder,
          "'; give the --data-dir that `streamml run` or `streamml cluster` was given"));
    }
    const bool is_cluster = std::find(names.begin(), names.end(), "cluster") != names.end();
    if (!is_cluster || !job_.plan.snapshot_store.empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("data folder '", job_.data_dir,
                     "' is a cluster's, whose workers keep the snapshots: start "
                     "it (`streamml cluster`) and take the savepoint while it runs"));
  }

  absl::StatusOr<savepoint::v1::LanePart> TakeLane(lane::Lane& lane) {
    std::optional<absl::StatusOr<savepoint::v1::LanePart>> part;
    const savepoint::LaneTaken taken{name_, lane.spec().index, lane::Fingerprint(), StopRequested};
    RETURN_IF_ERROR(
        lane.StartExport([&](const state::SnapshotInfo& snapshot, state::SnapshotStore& snapshots) {
          part = savepoint::WriteLanePart(*savepoints_.store, taken, snapshot, snapshots);
        }));
    RETURN_IF_ERROR(lane.Stop());  // waits for it
    if (!part.has_value()) return absl::InternalError("a lane gave no part of the savepoint");
    return *std::move(part);
  }

  const std::string& name_;
  const Job& job_;
  const Savepoints& savepoints_;
  Disk& disk_;
  std::unique_ptr<JobFolder> folder_;
};

// Lanes go on: they are asked sinks first.
class RunningCluster {
 public:
  RunningCluster(const std::string& name, const Job& job, const Savepoints& savepoints)
      : name_(name), job_(job), savepoints_(savepoints) {}

  absl::StatusOr<savepoint::Document> Take(const fleet::v1::StatusReply& status) {
    RETURN_IF_ERROR(CheckSame(status));
    const SlowNote slow("taking the savepoint");
    savepoint::CutContents contents;
    contents.name = name_;
    contents.taken_us = NowMicroseconds();
    contents.parts.resize(job_.plan.lanes.size());
    for (const std::vector<uint32_t>& group : savepoint::SnapshotOrder(job_.plan)) {
      RETURN_IF_ERROR(Ask(group, contents.parts));
    }
    ASSIGN_OR_RETURN(log::KafkaCluster * cluster, job_.clusters->Get(job_.plan.log_cluster));
    log::KafkaLogOptions options = KafkaLogOptionsOf(job_.plan);
    options.create = false;
    ASSIGN_OR_RETURN(const std::unique_ptr<log::Log> log, log::OpenKafkaLog(*cluster, options));
    for (uint32_t lane = 0; lane < job_.plan.lanes.size(); ++lane) {
      ASSIGN_OR_RETURN(lane::LaneSpec spec, plan::MakeLaneSpec(job_.plan, lane, *log));
      contents.specs.push_back(std::move(spec));
    }
    return savepoint::MakeSavepoint(job_.plan, *log, *savepoints_.store, contents);
  }

 private:
  // That the cluster runs what this manifest says.
  absl::Status CheckSame(const fleet::v1::StatusReply& status) const {
    for (const fleet::v1::WorkerStatus& worker : status.workers()) {
      const fleet::v1::Observation& seen = worker.observation();
      if (seen.epoch() == 0) continue;  // it has no lanes
      if (seen.job_hash() == job_.plan.job_hash &&
          seen.job().incarnation() == job_.plan.owner.incarnation) {
        continue;
      }
      return absl::FailedPreconditionError(absl::StrCat(
          worker.name(), " runs another version of the job (hash ",
          absl::Hex(seen.job_hash(), absl::kZeroPad16), ", incarnation ", seen.job().incarnation(),
          "; the manifest's is ", absl::Hex(job_.plan.job_hash, absl::kZeroPad16), ", incarnation ",
          job_.plan.owner.incarnation, "): give the manifest that the cluster was started with"));
    }
    return absl::OkStatus();
  }

  absl::Status Ask(const std::vector<uint32_t>& lanes,
                   std::vector<savepoint::v1::LanePart>& parts) const {
    fleet::v1::TakeSnapshotsRequest request;
    for (const uint32_t lane : lanes) request.add_lanes(lane);
    request.mutable_savepoint()->set_name(name_);
    request.mutable_savepoint()->set_store(savepoints_.location);
    ASSIGN_OR_RETURN(const fleet::v1::TakeSnapshotsReply reply,
                     cluster::AskSnapshots(job_.data_dir, request));
    size_t num_parts = 0;
    for (const fleet::v1::TakenSnapshot& taken : reply.snapshots()) {
      if (taken.lane() >= parts.size() || !taken.has_part()) continue;
      parts[taken.lane()] = taken.part();
      ++num_parts;
    }
    if (num_parts == lanes.size() && reply.problems().empty()) return absl::OkStatus();
    return absl::UnavailableError(
        absl::StrCat(lanes.size() - std::min(lanes.size(), num_parts), " of ", lanes.size(),
                     " lanes gave no part, so there is no savepoint; take it again: ",
                     absl::StrJoin(reply.problems(), "; ")));
  }

  const std::string& name_;
  const Job& job_;
  const Savepoints& savepoints_;
};

absl::StatusOr<savepoint::Document> TakeOf(const std::string& name, const Job& job,
                                           const Savepoints& savepoints, Disk& disk) {
  RETURN_IF_ERROR(savepoints.store->CheckFree(name));
  if (!job.plan.log_cluster.empty()) {
    const auto status = cluster::AskStatus(job.data_dir);
    if (status.ok()) return RunningCluster(name, job, savepoints).Take(*status);
    if (!absl::IsNotFound(status.status())) return status.status();
  }
  return RestingJob(name, job, savepoints, disk).Take();
}

// Workers have other working folders.
std::string Absolute(const std::string& location) {
  if (location.empty() || location.starts_with("s3://")) return location;
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(location, error);
  return error ? location : path.lexically_normal().string();
}

absl::Status Take(const CommandLine& line, Disk& disk) {
  RETURN_IF_ERROR(CheckName(line.savepoint));
  CatchStopSignals();
  ASSIGN_OR_RETURN(const Job job, LoadJob(line));
  ASSIGN_OR_RETURN(const Savepoints savepoints,
                   OpenSavepoints(job.manifest.job, Absolute(line.store), disk, StopRequested));
  ASSIGN_OR_RETURN(const savepoint::Document document,
                   TakeOf(line.savepoint, job, savepoints, disk));
  uint64_t num_entries = 0;
  uint64_t num_rows = 0;
  for (const savepoint::v1::Lane& lane : document.savepoint.lanes()) {
    num_entries += lane.num_entries();
    num_rows += lane.rows_in_flight();
  }
  std::cout << absl::StrCat("savepoint ", line.savepoint, ": ", document.savepoint.lanes_size(),
                            " lane(s), ", num_entries, " entries of state, ", num_rows,
                            " row(s) between stages, in ", savepoints.location, "\n");
  return absl::OkStatus();
}

absl::Status ListOrRemove(const CommandLine& line, Disk& disk) {
  ASSIGN_OR_RETURN(const manifest::Manifest manifest, LoadManifest(line.job));
  ASSIGN_OR_RETURN(const Savepoints savepoints,
                   OpenSavepoints(manifest.job, line.store, disk, StopRequested));
  if (line.savepoint_action == SavepointAction::kRemove) {
    RETURN_IF_ERROR(CheckName(line.savepoint));
    return savepoints.store->Remove(line.savepoint);
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> names, savepoints.store->List());
  for (const std::string& name : names) {
    const auto document = savepoints.store->Read(name);
    if (!document.ok()) {
      std::cout << name << "  " << document.status().message() << "\n";
      continue;
    }
    const absl::Time taken =
        absl::FromUnixMicros(static_cast<int64_t>(document->savepoint.taken_us()));
    std::cout << absl::StrCat(name, "  ",
                              absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", taken, absl::UTCTimeZone()),
                              "  incarnation ", document->savepoint.incarnation(), ", ",
                              document->savepoint.lanes_size(), " lane(s)\n");
  }
  return absl::OkStatus();
}

}  // namespace

int Savepoint(const CommandLine& line, Disk& disk) {
  const absl::Status status =
      line.savepoint_action == SavepointAction::kTake ? Take(line, disk) : ListOrRemove(line, disk);
  return status.ok() ? kExitDone : Fail(status);
}

}  // namespace streamml::cli
