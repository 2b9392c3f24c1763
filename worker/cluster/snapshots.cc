#include "worker/cluster/snapshots.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/streamml/fleet/v1/fleet.grpc.pb.h"

namespace streamml::cluster {
namespace {

using fleet::v1::LaneFacts;
using fleet::v1::TakenSnapshot;
using fleet::v1::TakeSnapshotsRequest;
using fleet::v1::WorkerStatus;

bool Runs(const LaneFacts& lane) {
  return lane.phase() == fleet::v1::PHASE_RUNNING || lane.phase() == fleet::v1::PHASE_FINISHED;
}

// What became of the lanes of one worker.
struct Outcome {
  std::vector<TakenSnapshot> snapshots;
  std::vector<std::string> problems;
};

bool IsWanted(uint32_t lane, const TakeSnapshotsRequest& request) {
  return request.lanes().empty() ||
         std::find(request.lanes().begin(), request.lanes().end(), lane) != request.lanes().end();
}

// Those that are wanted.
std::map<uint32_t, std::string> RunningLanes(const WorkerStatus& worker,
                                             const TakeSnapshotsRequest& wanted) {
  std::map<uint32_t, std::string> names;
  for (const LaneFacts& lane : worker.observation().lanes()) {
    if (Runs(lane) && IsWanted(lane.lane(), wanted)) names[lane.lane()] = lane.name();
  }
  return names;
}

Outcome Ask(const WorkerStatus& worker, const TakeSnapshotsRequest& wanted) {
  const std::map<uint32_t, std::string> names = RunningLanes(worker, wanted);
  fleet::v1::SnapshotRequest request;
  if (wanted.has_savepoint()) *request.mutable_savepoint() = wanted.savepoint();
  *request.mutable_job() = worker.observation().job();
  for (const auto& [lane, name] : names) request.add_lanes(lane);
  const auto stub = fleet::v1::Fleet::NewStub(
      grpc::CreateChannel(worker.address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::microseconds(kSnapshotsUs));
  fleet::v1::SnapshotReply reply;
  const grpc::Status status = stub->Snapshot(&context, request, &reply);
  Outcome outcome;
  if (!status.ok()) {
    outcome.problems.push_back(absl::StrCat(worker.name(), ": ", status.error_message()));
    return outcome;
  }
  for (const fleet::v1::LaneSnapshot& snapshot : reply.snapshots()) {
    TakenSnapshot& out = outcome.snapshots.emplace_back();
    out.set_lane(snapshot.lane());
    const auto name = names.find(snapshot.lane());
    if (name != names.end()) out.set_name(name->second);
    out.set_worker(worker.name());
    out.set_position(snapshot.position());
    if (snapshot.has_part()) *out.mutable_part() = snapshot.part();
  }
  return outcome;
}

}  // namespace

fleet::v1::TakeSnapshotsReply TakeSnapshots(const fleet::v1::StatusReply& status,
                                            const TakeSnapshotsRequest& request) {
  std::vector<Outcome> outcomes(static_cast<size_t>(status.workers_size()));
  std::vector<bool> is_asked(status.num_lanes());
  std::vector<std::thread> threads;
  for (int i = 0; i < status.workers_size(); ++i) {
    const WorkerStatus& worker = status.workers(i);
    const std::map<uint32_t, std::string> names = RunningLanes(worker, request);
    if (names.empty() || worker.address().empty()) continue;
    for (const auto& [lane, name] : names) {
      if (lane < is_asked.size()) is_asked[lane] = true;
    }
    Outcome& outcome = outcomes[static_cast<size_t>(i)];
    threads.emplace_back([&worker, &request, &outcome] { outcome = Ask(worker, request); });
  }
  for (std::thread& thread : threads) thread.join();
  fleet::v1::TakeSnapshotsReply reply;
  for (Outcome& outcome : outcomes) {
    for (TakenSnapshot& snapshot : outcome.snapshots) *reply.add_snapshots() = std::move(snapshot);
    for (std::string& problem : outcome.problems) reply.add_problems(std::move(problem));
  }
  std::sort(reply.mutable_snapshots()->begin(), reply.mutable_snapshots()->end(),
            [](const TakenSnapshot& a, const TakenSnapshot& b) { return a.lane() < b.lane(); });
  for (size_t lane = 0; lane < is_asked.size(); ++lane) {
    if (!is_asked[lane] && IsWanted(static_cast<uint32_t>(lane), request))
      reply.add_problems(absl::StrCat("lane ", lane, " runs nowhere just now"));
  }
  return reply;
}

}  // namespace streamml::cluster
