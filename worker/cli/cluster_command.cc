// `streamml cluster`: workers as processes of this machine, and commands to a cluster that runs.
#include <google/protobuf/util/json_util.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <random>
#include <thread>

#include "absl/strings/str_join.h"
#include "base/clock.h"
#include "base/posix_disk.h"
#include "base/status.h"
#include "job/manifest/diagnostic.h"
#include "job/manifest/validate.h"
#include "worker/cli/beginning.h"
#include "worker/cli/cluster_view.h"
#include "worker/cli/clusters.h"
#include "worker/cli/commands.h"
#include "worker/cli/exit_code.h"
#include "worker/cli/load.h"
#include "worker/cli/signals.h"
#include "worker/cli/terminal.h"
#include "worker/cluster/coordinator.h"
#include "worker/cluster/desk.h"

namespace streamml::cli {
namespace {

constexpr int64_t kRedrawUs = 200'000;
constexpr int64_t kLineUs = 5'000'000;
constexpr const char* kProgram = "streamml-worker";

// Beside the program that runs.
absl::StatusOr<std::string> FindProgram() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  std::string path = (self.parent_path() / kProgram).string();
  if (!error && std::filesystem::exists(path, error)) return path;
  return absl::NotFoundError(
      absl::StrCat("there is no '", path, "', the program of a worker; it lies beside streamml"));
}

std::vector<std::string> WorkerFlags(const CommandLine& line) {
  std::vector<std::string> flags = {"--commit-interval",
                                    absl::StrCat(line.commit_interval_us, "us"), "--commit-rows",
                                    absl::StrCat(line.commit_rows)};
  if (line.state_memory > 0) {
    flags.emplace_back("--state-memory");
    flags.push_back(absl::StrCat(line.state_memory));
  }
  if (line.snapshot_interval_us >= 0) {
    flags.push_back("--snapshot-interval");
    flags.push_back(absl::StrCat(line.snapshot_interval_us, "us"));
  }
  return flags;
}

// A cluster from its start to its end.
class ClusterRun {
 public:
  ClusterRun(const CommandLine& line, Disk& disk) : line_(line), disk_(disk) {}

  absl::Status Execute() {
    RETURN_IF_ERROR(Load());
    CatchStopSignals();
    RETURN_IF_ERROR(disk_.MakeDirectories(absl::StrCat(options_.data_dir, "/.streamml")));
    auto lock = disk_.Lock(absl::StrCat(options_.data_dir, "/.streamml/lock"));
    if (!lock.ok()) {
      return Annotate(lock.status(), absl::StrCat("data folder '", options_.data_dir,
                                                  "' is in use by another cluster or run"));
    }
    const auto note = [this](const std::string& text) {
      terminal_.Print(absl::StrCat("note: ", text));
    };
    cluster::Coordinator coordinator(options_, disk_, SystemClock(), note);
    RETURN_IF_ERROR(coordinator.Open());
    cluster::Desk desk(coordinator.bell());
    ASSIGN_OR_RETURN(const auto server, cluster::DeskServer::Start(options_.data_dir, desk));
    return Loop(coordinator, desk);
  }

 private:
  // What can be known of the manifest without brokers.
  absl::Status Load() {
    ASSIGN_OR_RETURN(const manifest::Manifest manifest, LoadManifest(line_.job));
    RETURN_IF_ERROR(manifest::ToStatus(manifest::Validate(manifest), manifest.file_name));
    RETURN_IF_ERROR(manifest::ToStatus(manifest::ValidateForWorkers(manifest), manifest.file_name));
    RETURN_IF_ERROR(plan::CheckPlan(manifest).status());
    ASSIGN_OR_RETURN(options_.manifest, ReadWhole(disk_, line_.job));
    options_.manifest_name = line_.job;
    const std::string& name = manifest.job.metadata().name();
    const std::string& identity = manifest.job.spec().identity();
    options_.job.set_identity(identity.empty() ? name : identity);
    Clusters clusters(manifest.job);
    ASSIGN_OR_RETURN(log::KafkaCluster * cluster,
                     clusters.Get(manifest.job.spec().log().cluster()));
    ASSIGN_OR_RETURN(const Beginning beginning,
                     FindBeginningOnKafka(manifest.job, *cluster, disk_, StopRequested));
    options_.job.set_incarnation(beginning.incarnation);
    options_.data_dir = line_.data_dir.empty() ? absl::StrCat("./", name, ".data") : line_.data_dir;
    options_.num_workers = line_.workers;
    options_.standby = line_.standby ? decide::Standby::kEach : decide::Standby::kNone;
    options_.worker_flags = WorkerFlags(line_);
    options_.lot = std::random_device()();
    ASSIGN_OR_RETURN(options_.program, FindProgram());
    return absl::OkStatus();
  }

  absl::Status Loop(cluster::Coordinator& coordinator, cluster::Desk& desk) {
    const int64_t start = SystemClock().MonotonicMicroseconds();
    int64_t last_shown = terminal_.is_terminal() ? 0 : start;
    absl::Status status;
    bool stopping = false;
    while (!coordinator.ended()) {
      if (const auto wanted = desk.TakeResize()) coordinator.Resize(*wanted);
      if (const auto program = desk.TakeUpgrade()) coordinator.Upgrade(*program);
      if (!stopping && (StopRequested() || desk.stop_asked() || !status.ok())) {
        stopping = true;
        coordinator.Stop();
      }
      status.Update(coordinator.Round());
      if (desk.status_asked()) desk.Answer(coordinator.Status());
      const int64_t now = SystemClock().MonotonicMicroseconds();
      if (now - last_shown < (terminal_.is_terminal() ? kRedrawUs : kLineUs)) continue;
      last_shown = now;
      Show(coordinator.Status(), static_cast<double>(now - start) / 1e6);
    }
    terminal_.Erase();
    RETURN_IF_ERROR(status);
    std::cout << options_.job.identity() << ": all workers have ended; the same command goes on\n";
    return absl::OkStatus();
  }

  void Show(const fleet::v1::StatusReply& status, double seconds) {
    if (terminal_.is_terminal()) {
      terminal_.Draw(ClusterBlock(status, seconds));
    } else {
      terminal_.Print(ClusterLine(status));
    }
  }

  const CommandLine& line_;
  Disk& disk_;
  Terminal terminal_;
  cluster::ClusterOptions options_;
};

absl::StatusOr<std::string> DataDirOf(const CommandLine& line) {
  if (!line.data_dir.empty()) return line.data_dir;
  ASSIGN_OR_RETURN(const manifest::Manifest manifest, LoadManifest(line.job));
  return absl::StrCat("./", manifest.job.metadata().name(), ".data");
}

absl::Status PrintJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) {
    return absl::InternalError("the answer cannot be written as JSON");
  }
  std::cout << text;
  return absl::OkStatus();
}

absl::Status PrintStatus(const fleet::v1::StatusReply& status, bool as_json) {
  if (as_json) return PrintJson(status);
  for (const std::string& line : ClusterBlock(status, -1)) std::cout << line << "\n";
  for (const std::string& line : ClusterLanes(status)) std::cout << line << "\n";
  return absl::OkStatus();
}

absl::Status TakeSnapshots(const std::string& data_dir, bool as_json) {
  ASSIGN_OR_RETURN(const fleet::v1::TakeSnapshotsReply reply, cluster::AskSnapshots(data_dir, {}));
  if (as_json) {
    RETURN_IF_ERROR(PrintJson(reply));
  } else {
    for (const fleet::v1::TakenSnapshot& taken : reply.snapshots()) {
      std::cout << absl::StrCat("lane ", taken.name(), " at ", taken.worker(), ": snapshot at ",
                                taken.position(), "\n");
    }
  }
  if (reply.problems_size() == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrJoin(reply.problems(), "\n"));
}

// Of a path to streamml or to streamml-worker.
absl::StatusOr<std::string> WorkerProgram(const std::string& path) {
  std::error_code error;
  std::filesystem::path program = std::filesystem::absolute(path, error).lexically_normal();
  if (program.filename() != kProgram) program.replace_filename(kProgram);
  if (!error && std::filesystem::is_regular_file(program, error)) return program.string();
  return absl::InvalidArgumentError(
      absl::StrCat("--upgrade: there is no '", program.string(),
                   "', the program of a worker; give the path of a streamml that it lies beside"));
}

// Waits until all lanes run on new workers, or again on those before.
absl::Status Upgrade(const std::string& data_dir, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string program, WorkerProgram(path));
  ASSIGN_OR_RETURN(fleet::v1::StatusReply status, cluster::AskStatus(data_dir));
  const uint32_t before = status.num_upgrades();
  RETURN_IF_ERROR(cluster::AskUpgrade(data_dir, program));
  CatchStopSignals();
  while (status.num_upgrades() == before || status.upgrade().empty()) {
    if (StopRequested()) {
      return absl::CancelledError("stopped waiting; the upgrade goes on, --status tells of it");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(kRedrawUs));
    ASSIGN_OR_RETURN(status, cluster::AskStatus(data_dir));
  }
  if (status.taken_back()) return absl::AbortedError(absl::StrCat("upgrade ", status.upgrade()));
  std::cout << "upgrade: " << status.upgrade() << "\n";
  return absl::OkStatus();
}

absl::Status Execute(const CommandLine& line, Disk& disk) {
  if (line.cluster_action == ClusterAction::kRun) return ClusterRun(line, disk).Execute();
  ASSIGN_OR_RETURN(const std::string data_dir, DataDirOf(line));
  switch (line.cluster_action) {
    case ClusterAction::kStatus: {
      ASSIGN_OR_RETURN(const fleet::v1::StatusReply status, cluster::AskStatus(data_dir));
      return PrintStatus(status, line.json);
    }
    case ClusterAction::kResize:
      return cluster::AskResize(data_dir, line.workers);
    case ClusterAction::kUpgrade:
      return Upgrade(data_dir, line.program);
    case ClusterAction::kSnapshot:
      return TakeSnapshots(data_dir, line.json);
    case ClusterAction::kStop:
      return cluster::AskStop(data_dir);
    case ClusterAction::kRun:
      break;
  }
  return absl::OkStatus();
}

}  // namespace

int RunCluster(const CommandLine& line, Disk& disk) {
  const absl::Status status = Execute(line, disk);
  return status.ok() ? kExitDone : Fail(status);
}

}  // namespace streamml::cli
