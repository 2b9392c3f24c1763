#include "worker/cluster/coordinator.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "base/status.h"
#include "worker/cluster/promises.h"
#include "worker/control/assignment_file.h"

namespace streamml::cluster {
namespace {

constexpr int64_t kRoundUs = 20'000;    // how soon the end of a process is seen
constexpr size_t kMaxSocketPath = 100;  // of the 108 that the kernel has for addresses
constexpr std::string_view kSocket = ".sock";
constexpr uint64_t kMaxLogBytes = 4 << 20;
// The last three digits of an epoch are the coordinator's own.
constexpr uint64_t kEpochModulus = 1000;
constexpr size_t kLongestName = 40;

bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsCancelled(status);
}

}  // namespace

Coordinator::Coordinator(ClusterOptions options, Disk& disk, Clock& clock,
                         std::function<void(const std::string&)> note)
    : options_(std::move(options)),
      disk_(disk),
      clock_(clock),
      note_(std::move(note)),
      num_workers_(options_.num_workers),
      builds_(options_.program) {
  wanted_.standby = options_.standby;
}

Coordinator::~Coordinator() {
  workers_.clear();
  if (folder_descriptor_ >= 0) close(folder_descriptor_);
}

std::string Coordinator::Folder() const { return absl::StrCat(options_.data_dir, "/.streamml"); }

absl::Status Coordinator::Open() {
  RETURN_IF_ERROR(disk_.MakeDirectories(absl::StrCat(Folder(), "/workers")));
  RETURN_IF_ERROR(RemoveSockets());
  ASSIGN_OR_RETURN(state_, ReadPromises(disk_, absl::StrCat(Folder(), "/cluster"), options_.job,
                                        clock_.MonotonicMicroseconds()));
  const uint64_t mine = state_.epoch > 0 ? state_.epoch : options_.lot;
  wanted_.epochs = {kEpochModulus, mine % kEpochModulus};
  socket_folder_ = absl::StrCat(Folder(), "/workers");
  if (socket_folder_.size() + kLongestName > kMaxSocketPath) {
    // Inherited by workers, so that the address means the same to them.
    folder_descriptor_ = open(socket_folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    socket_folder_ = absl::StrCat("/proc/self/fd/", folder_descriptor_);
  }
  return absl::OkStatus();
}

// Of lives that are over, or soon will be.
absl::Status Coordinator::RemoveSockets() {
  const std::string folder = absl::StrCat(Folder(), "/workers");
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(folder));
  for (const std::string& name : names) {
    if (!name.ends_with(kSocket)) continue;
    RETURN_IF_ERROR(disk_.Remove(absl::StrCat(folder, "/", name)));
  }
  return absl::OkStatus();
}

std::string Coordinator::SocketName(const std::string& name, uint32_t life) {
  return absl::StrCat(name, "-", getpid(), "-", life, kSocket);
}

// Each life has an address of its own: nobody talks to the one before, which may still be ending.
std::string Coordinator::Address(const std::string& name, const Worker& worker) const {
  return absl::StrCat("unix:", socket_folder_, "/", SocketName(name, worker.num_starts));
}

void Coordinator::Resize(uint32_t num_workers) {
  num_workers_ = num_workers;
  bell_.Ring();
}

// Until the next step nobody knows what is settled.
void Coordinator::Upgrade(const std::string& program) {
  builds_.Begin(program, clock_.MonotonicMicroseconds());
  settled_ = false;
  note_(absl::StrCat("upgrade to '", program, "': new workers start, and lanes move to them"));
  bell_.Ring();
}

void Coordinator::Stop() {
  stopping_ = true;
  bell_.Ring();
}

bool Coordinator::IsWanted(const std::string& name) const { return wanted_.workers.contains(name); }

absl::Status Coordinator::Round() {
  const int64_t now = clock_.MonotonicMicroseconds();
  if (const int64_t pause_us = rounds_.Begin(now); pause_us > 0) {
    for (auto& [name, worker] : workers_) Excuse(worker.view, pause_us);
  }
  wanted_.workers.clear();
  for (uint32_t i = 0; i < num_workers_; ++i) wanted_.workers.insert(builds_.NameOf(i));
  if (!stopping_) {
    for (const std::string& name : wanted_.workers) {
      const auto [worker, is_new] = workers_.try_emplace(name);
      if (is_new) worker->second.program = builds_.program();
    }
  }
  for (auto& [name, worker] : workers_) Look(name, worker);
  if (!stopping_) {
    RETURN_IF_ERROR(AwaitPlan());
    if (plan_.has_value() && rounds_.MayDecide(now)) {
      RETURN_IF_ERROR(Decide());
      JudgeUpgrade();
    }
  }
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    const auto current = worker++;
    RETURN_IF_ERROR(Act(current->first, current->second));
  }
  bell_.Wait(kRoundUs);
  return absl::OkStatus();
}

// ---- deciding

// The lanes are those that a worker's build sees in the manifest.
absl::Status Coordinator::AwaitPlan() {
  if (plan_.has_value()) return absl::OkStatus();
  for (auto& [name, worker] : workers_) {
    if (worker.view.heard_us == 0) continue;
    const auto reply = worker.link->TakePlan();
    if (!reply.has_value()) {
      fleet::v1::PlanRequest request;
      request.set_manifest(options_.manifest);
      request.set_file_name(options_.manifest_name);
      request.set_incarnation(options_.job.incarnation());
      worker.link->AskPlan(request);
      return absl::OkStatus();
    }
    if (!reply->ok()) {
      if (!MayPass(reply->status())) return reply->status();
      const std::string trouble(reply->status().message());
      if (trouble != plan_trouble_) note_(absl::StrCat("trying again: ", trouble));
      plan_trouble_ = trouble;
      return absl::OkStatus();
    }
    if ((*reply)->mistakes_size() > 0) {
      return absl::InvalidArgumentError(absl::StrJoin(
          (*reply)->mistakes(), "\n", [](std::string* out, const fleet::v1::Mistake& mistake) {
            absl::StrAppend(out, mistake.text());
          }));
    }
    plan_ = **reply;
    for (const fleet::v1::Lane& lane : plan_->lanes()) {
      wanted_.lanes.push_back({lane.lane(), lane.stage(), 1});
    }
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status Coordinator::Decide() {
  const int64_t now = clock_.MonotonicMicroseconds();
  FindCutOff();
  decide::FleetStep step = decide::NextStep(WithoutShaky(now), state_, Observe(), now);
  if (step.rival.has_value()) return Yield(*step.rival);
  RETURN_IF_ERROR(Keep(step.state));
  state_ = std::move(step.state);
  for (const decide::FleetEvent& event : step.events) Tell(event);
  for (const std::string& name : step.send) Send(name);
  spare_ = std::move(step.spare);
  settled_ = step.settled;
  return absl::OkStatus();
}

void Coordinator::JudgeUpgrade() {
  const bool is_done = settled_ && workers_.size() == wanted_.workers.size();
  if (builds_.Look(is_done, TroubleOfWanted(), clock_.MonotonicMicroseconds())) {
    note_(absl::StrCat("upgrade: ", builds_.outcome()));
  }
}

// Why lanes will not all run on the workers that are wanted; empty: nothing says so.
std::string Coordinator::TroubleOfWanted() const {
  for (const std::string& name : wanted_.workers) {
    const auto found = workers_.find(name);
    if (found == workers_.end()) continue;
    const Worker& worker = found->second;
    if (!worker.refusal.empty()) {
      return absl::StrCat(name, " refuses its assignment: ", worker.refusal);
    }
    if (!worker.problems.empty()) {
      return absl::StrCat("a lane at ", name, " has failed: ", worker.problems.begin()->second);
    }
    if (worker.view.quick_ends >= kTooManyEnds) {
      return absl::StrCat(name, " ends again and again; its messages are in '", Folder(),
                          "/workers/", name, ".log'");
    }
  }
  return "";
}

// Whoever was started last has the job: two that both go on would take its lanes from each other
// for ever.
absl::Status Coordinator::Yield(const decide::Rival& rival) const {
  return absl::FailedPreconditionError(
      absl::StrCat("another coordinator that was started later works for this job: lane ",
                   plan_->lanes(static_cast<int>(rival.lane)).name(), " was taken with epoch ",
                   rival.epoch, ", and this one has given out ", state_.epoch,
                   " at most; it leaves the job to the other one and ends with its workers"));
}

// Where all are shaky, all are as good as each other.
decide::Wanted Coordinator::WithoutShaky(int64_t now_us) const {
  decide::Wanted wanted = wanted_;
  std::erase_if(wanted.workers,
                [&](const std::string& name) { return IsShaky(workers_.at(name).view, now_us); });
  return wanted.workers.empty() ? wanted_ : wanted;
}

void Coordinator::Tell(const decide::FleetEvent& event) const {
  using Kind = decide::FleetEvent::Kind;
  const std::string lane =
      absl::StrCat("lane ", plan_->lanes(static_cast<int>(event.lane)).name(), ": ");
  switch (event.kind) {
    case Kind::kFollow:
    case Kind::kRelease:
      return;
    case Kind::kOwn:
      if (!event.from.empty()) note_(absl::StrCat(lane, event.from, " -> ", event.to));
      return;
    case Kind::kFailover:
      return note_(absl::StrCat(lane, event.from, " is gone; ", event.to, " takes it"));
    case Kind::kOverdue:
      return note_(
          absl::StrCat(lane, event.from, " does not let go; ", event.to, " takes it anyway"));
  }
}

// Before any worker hears of it.
absl::Status Coordinator::Keep(const decide::FleetState& state) {
  const fleet::v1::ClusterState durable = ToProto(state, options_.job);
  const std::string bytes = durable.SerializeAsString();
  if (bytes == kept_) return absl::OkStatus();
  RETURN_IF_ERROR(WritePromises(disk_, absl::StrCat(Folder(), "/cluster"), durable));
  kept_ = bytes;
  return absl::OkStatus();
}

void Coordinator::Send(const std::string& name) {
  const decide::WorkerRoles& roles = state_.workers.at(name);
  fleet::v1::AssignRequest request;
  *request.mutable_job() = options_.job;
  request.set_epoch(roles.epoch);
  request.set_worker(name);
  request.set_manifest(options_.manifest);
  request.set_manifest_hash(control::ManifestHash(options_.manifest));
  request.set_job_hash(plan_->job_hash());
  for (const auto& [lane, role] : roles.lanes) {
    fleet::v1::LaneRole& entry = *request.add_lanes();
    entry.set_lane(lane);
    entry.set_role(role == decide::LaneRole::kOwn ? fleet::v1::ROLE_OWN : fleet::v1::ROLE_FOLLOW);
  }
  workers_.at(name).link->Send(request);
}

// ---- acting

absl::Status Coordinator::Act(const std::string& name, Worker& worker) {
  const int64_t now = clock_.MonotonicMicroseconds();
  ProcessWish wish = ProcessWish::kRun;
  if (stopping_) {
    wish = ProcessWish::kEnd;
  } else if (!IsWanted(name)) {
    const bool spare = std::find(spare_.begin(), spare_.end(), name) != spare_.end();
    wish = spare ? ProcessWish::kEnd : ProcessWish::kLetGoFirst;
  }
  switch (NextAct(worker.view, wish, now)) {
    case ProcessAct::kNothing:
      return absl::OkStatus();
    case ProcessAct::kStart:
      return TryToStart(name, worker);
    case ProcessAct::kAskToEnd:
      worker.view.asked_us = now;
      worker.process->Signal(SIGTERM);
      return absl::OkStatus();
    case ProcessAct::kKill:
      note_(absl::StrCat(name, " (pid ", worker.process->pid(),
                         worker.view.asked_us > 0 ? ") does not end" : ") does not answer",
                         " and is killed"));
      worker.process->Signal(SIGKILL);
      worker.view.asked_us = now;
      return absl::OkStatus();
    case ProcessAct::kForget:
      workers_.erase(name);
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

// A life's messages are few; those of many lives are bounded here.
absl::Status Coordinator::RotateLog(const std::string& path) {
  const auto file = disk_.OpenForRead(path);
  if (absl::IsNotFound(file.status())) return absl::OkStatus();
  RETURN_IF_ERROR(file.status());
  ASSIGN_OR_RETURN(const uint64_t size, (*file)->Size());
  if (size <= kMaxLogBytes) return absl::OkStatus();
  return disk_.Rename(path, absl::StrCat(path, ".before"));
}

// What keeps one process from being started is no reason to stop the others; where none ever was,
// there is a mistake.
absl::Status Coordinator::TryToStart(const std::string& name, Worker& worker) {
  absl::Status status = Start(name, worker);
  const bool any = std::any_of(workers_.begin(), workers_.end(),
                               [](const auto& entry) { return entry.second.num_starts > 0; });
  if (status.ok() || !any) return status;
  note_(absl::StrCat(name, " cannot be started, trying again: ", status.message()));
  worker.view.ended_us = clock_.MonotonicMicroseconds();
  ++worker.view.quick_ends;
  return absl::OkStatus();
}

absl::Status Coordinator::Start(const std::string& name, Worker& worker) {
  const std::string folder = absl::StrCat(Folder(), "/workers/", name);
  const std::string address = Address(name, worker);
  std::vector<std::string> command = {worker.program, "--name", name,     "--data-dir", folder,
                                      "--listen",     address,  "--http", "127.0.0.1:0"};
  command.insert(command.end(), options_.worker_flags.begin(), options_.worker_flags.end());
  const std::string log = absl::StrCat(folder, ".log");
  RETURN_IF_ERROR(RotateLog(log));
  ASSIGN_OR_RETURN(worker.process, Process::Start(command, log, folder_descriptor_));
  worker.link = WorkerLink::Open(address, bell_);
  worker.address = address;
  const int64_t now = clock_.MonotonicMicroseconds();
  worker.view.running = true;
  worker.view.started_us = now;
  worker.view.heard_us = worker.view.asked_us = 0;
  ++worker.num_starts;
  return absl::OkStatus();
}

// ---- telling

fleet::v1::StatusReply Coordinator::Status() const {
  const int64_t now = clock_.MonotonicMicroseconds();
  fleet::v1::StatusReply reply;
  reply.set_job(options_.job.identity());
  reply.set_pid(static_cast<uint32_t>(getpid()));
  reply.set_epoch(state_.epoch);
  reply.set_wanted_workers(num_workers_);
  reply.set_settled(settled_ && !stopping_ && workers_.size() == wanted_.workers.size());
  reply.set_program(builds_.program());
  reply.set_num_upgrades(builds_.num_begun());
  reply.set_upgrade(builds_.outcome());
  reply.set_taken_back(builds_.was_taken_back());
  reply.set_num_lanes(plan_.has_value() ? static_cast<uint32_t>(plan_->lanes_size()) : 0);
  for (const auto& [name, worker] : workers_) {
    fleet::v1::WorkerStatus& out = *reply.add_workers();
    out.set_name(name);
    if (worker.process != nullptr) {
      out.set_pid(static_cast<uint32_t>(worker.process->pid()));
      out.set_address(worker.address);
    }
    out.set_restarts(worker.num_starts > 0 ? worker.num_starts - 1 : 0);
    *out.mutable_observation() = worker.observation;
    if (!worker.view.running) {
      out.set_state("down");
    } else if (worker.view.asked_us > 0 || !IsWanted(name)) {
      out.set_state("leaving");
    } else if (worker.is_cut_off) {
      out.set_state("cut off");
    } else if (IsUp(worker.view, now)) {
      out.set_state("up");
    } else {
      out.set_state(worker.view.was_up ? "silent" : "starting");
    }
  }
  return reply;
}

}  // namespace streamml::cluster
