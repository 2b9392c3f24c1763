#include "worker/cluster/promises.h"

#include <algorithm>

#include "base/hash.h"
#include "base/status.h"
#include "base/wording.h"

namespace streamml::cluster {
namespace {

constexpr std::string_view kMagic = "SMLcluster1\n";
constexpr uint32_t kVersion = 1;
constexpr size_t kHashBytes = 32;  // digits

bool SameJob(const fleet::v1::JobRef& a, const fleet::v1::JobRef& b) {
  return a.identity() == b.identity() && a.incarnation() == b.incarnation();
}

decide::SeenLane ToSeen(const fleet::v1::LaneFacts& lane) {
  switch (lane.phase()) {
    case fleet::v1::PHASE_RUNNING:
    case fleet::v1::PHASE_FINISHED:
      return decide::SeenLane::kRunning;
    case fleet::v1::PHASE_TAKING:
    case fleet::v1::PHASE_RELEASING:
      return decide::SeenLane::kHeld;
    case fleet::v1::PHASE_FOLLOWING:
      return lane.caught_up() ? decide::SeenLane::kCaughtUp : decide::SeenLane::kOther;
    default:
      return decide::SeenLane::kOther;
  }
}

absl::Status Damaged(const std::string& path, std::string_view what) {
  return absl::DataLossError(
      absl::StrCat("'", path, "': ", what,
                   "; remove the file, and lanes are assigned anew: nothing else is lost"));
}

}  // namespace

fleet::v1::ClusterState ToProto(const decide::FleetState& state, const fleet::v1::JobRef& job) {
  fleet::v1::ClusterState out;
  out.set_version(kVersion);
  *out.mutable_job() = job;
  out.set_epoch(state.epoch);
  for (const auto& [name, roles] : state.workers) {
    fleet::v1::WorkerAssignment& worker = *out.add_workers();
    worker.set_worker(name);
    worker.set_epoch(roles.epoch);
    for (const auto& [lane, role] : roles.lanes) {
      fleet::v1::LaneRole& entry = *worker.add_lanes();
      entry.set_lane(lane);
      entry.set_role(role == decide::LaneRole::kOwn ? fleet::v1::ROLE_OWN : fleet::v1::ROLE_FOLLOW);
    }
  }
  for (const auto& [lane, leaving] : state.leaving) {
    fleet::v1::Leaving& entry = *out.add_leaving();
    entry.set_lane(lane);
    entry.set_worker(leaving.worker);
    entry.set_epoch(leaving.epoch);
  }
  return out;
}

absl::StatusOr<decide::FleetState> ReadPromises(Disk& disk, const std::string& path,
                                                const fleet::v1::JobRef& job, int64_t now_us) {
  const absl::StatusOr<std::string> bytes = ReadWhole(disk, path);
  if (absl::IsNotFound(bytes.status())) return decide::FleetState();
  RETURN_IF_ERROR(bytes.status());
  const std::string_view text = *bytes;
  if (!text.starts_with(kMagic) || text.size() < kMagic.size() + kHashBytes) {
    return Damaged(path, "this is no state of a cluster");
  }
  const std::string_view body = text.substr(kMagic.size() + kHashBytes);
  if (Hash128(body).ToHex() != text.substr(kMagic.size(), kHashBytes)) {
    return Damaged(path, "the checksum does not match");
  }
  fleet::v1::ClusterState stored;
  if (!stored.ParseFromArray(body.data(), static_cast<int>(body.size())) ||
      stored.version() != kVersion) {
    return Damaged(path, absl::StrCat("version ", stored.version(), " is not known"));
  }
  if (!SameJob(stored.job(), job)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", path, "' is of job ", Quoted(stored.job().identity()), ", incarnation ",
        stored.job().incarnation(), ", and this is ", Quoted(job.identity()), ", incarnation ",
        job.incarnation(), "; give the data folder of this job, or a new one"));
  }
  decide::FleetState state;
  state.epoch = stored.epoch();
  for (const fleet::v1::WorkerAssignment& worker : stored.workers()) {
    decide::WorkerRoles& roles = state.workers[worker.worker()];
    roles.epoch = worker.epoch();
    for (const fleet::v1::LaneRole& lane : worker.lanes()) {
      roles.lanes[lane.lane()] =
          lane.role() == fleet::v1::ROLE_OWN ? decide::LaneRole::kOwn : decide::LaneRole::kFollow;
    }
  }
  for (const fleet::v1::Leaving& leaving : stored.leaving()) {
    state.leaving[leaving.lane()] = {leaving.worker(), leaving.epoch(), now_us};
  }
  return state;
}

absl::Status WritePromises(Disk& disk, const std::string& path,
                           const fleet::v1::ClusterState& state) {
  const std::string body = state.SerializeAsString();
  return WriteWhole(disk, path, absl::StrCat(kMagic, Hash128(body).ToHex(), body));
}

decide::SeenWorker ToSeen(const fleet::v1::Observation& observation, const fleet::v1::JobRef& job) {
  decide::SeenWorker seen;
  if (!SameJob(observation.job(), job)) return seen;
  seen.epoch = observation.epoch();
  for (const fleet::v1::LaneFacts& lane : observation.lanes()) {
    seen.contested = std::max(seen.contested, lane.contested_epoch());
    if (lane.claimed_epoch() > 0) seen.claims[lane.lane()] = lane.claimed_epoch();
    if (lane.phase() == fleet::v1::PHASE_RELEASED) continue;
    seen.lanes[lane.lane()] = ToSeen(lane);
  }
  return seen;
}

void NoteStalls(const fleet::v1::Observation& observation, ProcessView& view) {
  view.stalled_us = view.least_stalled_us = 0;
  bool is_first = true;
  for (const fleet::v1::LaneFacts& lane : observation.lanes()) {
    const bool needs_brokers = lane.phase() == fleet::v1::PHASE_RUNNING ||
                               lane.phase() == fleet::v1::PHASE_RELEASING ||
                               lane.phase() == fleet::v1::PHASE_WAITING;
    if (!needs_brokers) continue;
    const auto stalled_us = static_cast<int64_t>(lane.stalled_seconds() * 1e6);
    view.stalled_us = std::max(view.stalled_us, stalled_us);
    view.least_stalled_us = is_first ? stalled_us : std::min(view.least_stalled_us, stalled_us);
    is_first = false;
  }
}

bool IsLeaving(const fleet::v1::Observation& observation) {
  return observation.state() == fleet::v1::WORKER_STATE_DRAINING;
}

}  // namespace streamml::cluster
