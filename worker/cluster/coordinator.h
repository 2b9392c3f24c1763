// The coordinator of workers that are processes of this machine: starts them, tells them their
// lanes step by step (job/decide/fleet.h), and takes commands.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/disk.h"
#include "job/decide/fleet.h"
#include "proto/streamml/fleet/v1/cluster.pb.h"
#include "worker/cluster/bell.h"
#include "worker/cluster/builds.h"
#include "worker/cluster/process.h"
#include "worker/cluster/supervise.h"
#include "worker/cluster/worker_link.h"

namespace streamml::cluster {

inline constexpr uint32_t kMaxWorkers = 64;

struct ClusterOptions {
  std::string manifest;       // its text
  std::string manifest_name;  // for messages
  fleet::v1::JobRef job;
  std::string data_dir;                   // exists, and is locked by the caller
  std::string program;                    // path of streamml-worker
  std::vector<std::string> worker_flags;  // for all of them
  uint32_t num_workers = 1;
  decide::Standby standby = decide::Standby::kNone;
  uint32_t lot = 0;  // drawn by chance: another coordinator of the job has another one
};

// One thread, the same all along; the bell and the commands' side may be used by others.
class Coordinator {
 public:
  // `note` gets lines for people. All must outlive the coordinator.
  Coordinator(ClusterOptions options, Disk& disk, Clock& clock,
              std::function<void(const std::string&)> note);
  ~Coordinator();  // kills what still runs

  // Reads what was promised before. Errors as ReadPromises.
  absl::Status Open();
  // One round: looks, decides, acts; waits a moment when there is nothing to do. An error ends it:
  // the manifest is wrong, promises cannot be kept on disk, or another coordinator has the job.
  absl::Status Round();

  void Resize(uint32_t num_workers);  // 1 to kMaxWorkers
  // Workers of another build, see builds.h: what it computes has to be what this one does.
  void Upgrade(const std::string& program);
  // Workers let go and end; ended() is true when all have.
  void Stop();
  bool ended() const { return stopping_ && workers_.empty(); }

  fleet::v1::StatusReply Status() const;
  Bell& bell() { return bell_; }

 private:
  struct Worker {
    ProcessView view;
    std::unique_ptr<Process> process;
    std::unique_ptr<WorkerLink> link;
    std::string program;
    std::string address;                 // of the process
    fleet::v1::Observation observation;  // the newest
    uint32_t num_starts = 0;
    std::map<uint32_t, std::string> problems;  // by lane, that were told
    std::map<uint32_t, uint64_t> positions;    // of the lanes that run there, as last told
    std::string refusal;                       // of its last assignment; empty: none
    bool is_cut_off = false;
  };

  std::string Folder() const;
  absl::Status RemoveSockets();
  static std::string SocketName(const std::string& name, uint32_t life);
  std::string Address(const std::string& name, const Worker& worker) const;
  bool IsWanted(const std::string& name) const;
  void Look(const std::string& name, Worker& worker);
  void NoteEnd(const std::string& name, Worker& worker, int result);
  void JudgeUpgrade();
  std::string TroubleOfWanted() const;
  void TellProblems(const std::string& name, Worker& worker);
  absl::Status AwaitPlan();
  absl::Status Decide();
  decide::Wanted WithoutShaky(int64_t now_us) const;
  static bool NoteCommits(Worker& worker);
  void FindCutOff();
  absl::Status Yield(const decide::Rival& rival) const;
  void Tell(const decide::FleetEvent& event) const;
  decide::Observed Observe() const;
  absl::Status Keep(const decide::FleetState& state);
  void Send(const std::string& name);
  absl::Status Act(const std::string& name, Worker& worker);
  absl::Status RotateLog(const std::string& path);
  absl::Status TryToStart(const std::string& name, Worker& worker);
  absl::Status Start(const std::string& name, Worker& worker);

  const ClusterOptions options_;
  Disk& disk_;
  Clock& clock_;
  const std::function<void(const std::string&)> note_;
  Bell bell_;
  std::string socket_folder_;  // what sockets are reached by, short enough for their addresses
  int folder_descriptor_ = -1;
  uint32_t num_workers_;
  Builds builds_;
  bool stopping_ = false;
  std::optional<fleet::v1::PlanReply> plan_;
  std::string plan_trouble_;  // that was told
  Rounds rounds_;
  decide::Wanted wanted_;
  decide::FleetState state_;
  std::string kept_;  // of the state, as it is on disk
  bool settled_ = false;
  std::vector<std::string> spare_;
  int64_t may_cut_off_us_ = 0;  // from then on a worker may be taken for cut off
  std::map<std::string, Worker> workers_;
};

}  // namespace streamml::cluster
