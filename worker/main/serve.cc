#include "worker/main/serve.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "worker/cli/exit_code.h"
#include "worker/cli/revision.h"
#include "worker/cli/signals.h"
#include "worker/control/endpoints.h"
#include "worker/control/worker.h"
#include "worker/lane/fingerprint.h"
#include "worker/main/jobs.h"

namespace streamml::worker {
namespace {

constexpr int64_t kLookUs = 10'000;  // how soon a signal is seen
constexpr int64_t kRetryUs = 1'000'000;
constexpr int64_t kMaxRetryUs = 60'000'000;
// That the store of snapshots gets at the end, at most: letting go takes some of --grace, too.
constexpr int64_t kFinishUploadsUs = 30'000'000;
constexpr int64_t kStreamsUs = 500'000;  // that observers have to take the last observation

void Say(const std::string& text) { std::cerr << absl::StrCat("streamml-worker: ", text, "\n"); }

fleet::v1::WorkerInfo InfoOf(const WorkerLine& line) {
  fleet::v1::WorkerInfo info;
  info.set_name(line.name);
  info.set_version(STREAMML_VERSION);
  info.set_fingerprint(lane::Fingerprint());
  info.set_started_us(static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                                std::chrono::system_clock::now().time_since_epoch())
                                                .count()));
  info.set_pid(static_cast<uint32_t>(getpid()));
  return info;
}

// Ends the process when letting go takes too long.
class Deadline {
 public:
  explicit Deadline(int64_t grace_us)
      : thread_([this, grace_us] {
          if (done_.WaitFor(grace_us)) return;
          Say("letting go has taken longer than --grace; nothing that was committed is lost");
          _exit(cli::kExitFailed);
        }) {}
  ~Deadline() {
    done_.Notify();
    thread_.join();
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  Notification done_;
  std::thread thread_;
};

// Goes on with the assignment that is kept, as soon as it can: brokers come back, rights are given,
// disks get room. Meanwhile the service can be given a newer one.
void ResumeUntilStop(control::Worker& worker) {
  std::string told;
  int64_t pause_us = kRetryUs;
  while (!cli::StopRequested()) {
    const absl::Status status = worker.Resume();
    if (status.ok()) return;
    const std::string text(status.message());
    if (text != std::exchange(told, text)) {
      Say(text);
      worker.Note(text);
    }
    if (absl::IsDataLoss(status)) return;
    const int64_t end = SystemClock().MonotonicMicroseconds() + pause_us;
    if (!absl::IsUnavailable(status)) pause_us = std::min(kMaxRetryUs, 2 * pause_us);
    while (!cli::StopRequested() && SystemClock().MonotonicMicroseconds() < end) {
      std::this_thread::sleep_for(std::chrono::microseconds(kLookUs));
    }
  }
}

absl::StatusOr<std::unique_ptr<DiskLock>> TakeFolder(const WorkerLine& line, Disk& disk) {
  RETURN_IF_ERROR(disk.MakeDirectories(line.data_dir));
  auto lock = disk.Lock(absl::StrCat(line.data_dir, "/lock"));
  if (lock.ok()) return lock;
  return Annotate(lock.status(),
                  absl::StrCat("data folder '", line.data_dir, "' is in use by another process"));
}

}  // namespace

absl::Status Serve(const WorkerLine& line, Disk& disk) {
  cli::CatchStopSignals(cli::SecondSignal::kEndsAtOnce);
  ASSIGN_OR_RETURN(const std::unique_ptr<DiskLock> lock, TakeFolder(line, disk));
  control::Worker* notes = nullptr;  // set before any lane is made
  JobsOptions options;
  const fleet::v1::WorkerInfo info = InfoOf(line);
  // In containers all have the same process id.
  options.worker = absl::StrCat(line.name, ":", info.pid(), "@", info.started_us());
  options.snapshot_folder = absl::StrCat(line.data_dir, "/lanes");
  options.output_folder = line.data_dir;
  options.state_memory = line.state_memory;
  options.run = {line.commit_interval_us, line.snapshot_interval_us, line.commit_rows};
  options.run.finish_uploads_us = std::min(kFinishUploadsUs, line.grace_us / 2);
  options.give_up = cli::StopOverdue;
  options.note = [&notes](const std::string& text) {
    Say(text);
    notes->Note(text);
  };
  const std::unique_ptr<control::JobMaker> jobs = MakeJobs(std::move(options), disk);
  const control::WorkerOptions worker_options{info, absl::StrCat(line.data_dir, "/assignment")};
  ASSIGN_OR_RETURN(const std::unique_ptr<control::Worker> worker,
                   control::Worker::Make(worker_options, *jobs, disk, SystemClock()));
  notes = worker.get();
  std::unique_ptr<control::Endpoints> endpoints;
  if (!line.http.empty()) {
    ASSIGN_OR_RETURN(endpoints, control::Endpoints::Start(line.http, [&worker] {
                       uint64_t next_note = UINT64_MAX;
                       return worker->Observe(next_note);
                     }));
    worker->SetHttpAddress(endpoints->address());
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<control::FleetServer> server,
                   control::FleetServer::Start(line.server, *worker));
  Say(absl::StrCat("worker ", line.name, " serves ", server->address(),
                   line.http.empty() ? "" : absl::StrCat(", http://", endpoints->address())));
  std::thread resume([&worker] { ResumeUntilStop(*worker); });
  while (!cli::StopRequested()) std::this_thread::sleep_for(std::chrono::microseconds(kLookUs));
  const Deadline deadline(line.grace_us);
  Say("lets go of its lanes");
  worker->Stop();
  resume.join();
  server->Shutdown(kStreamsUs);
  endpoints = nullptr;
  Say("ended");
  return absl::OkStatus();
}

}  // namespace streamml::worker
