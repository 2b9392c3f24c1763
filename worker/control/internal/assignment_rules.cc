#include "worker/control/internal/assignment_rules.h"

#include "base/status.h"
#include "base/wording.h"
#include "worker/control/assignment_file.h"

namespace streamml::control::internal {

std::string Content(const fleet::v1::AssignRequest& request) {
  std::map<uint32_t, int> lanes;
  for (const fleet::v1::LaneRole& lane : request.lanes()) lanes[lane.lane()] = lane.role();
  std::string content =
      absl::StrCat(request.job().identity(), "/", request.job().incarnation(), "/",
                   request.worker(), "/", request.manifest_hash(), "/", request.job_hash());
  for (const auto& [lane, role] : lanes) absl::StrAppend(&content, "/", lane, ":", role);
  return content;
}

absl::Status CheckForm(const fleet::v1::AssignRequest& request) {
  if (request.epoch() == 0) return absl::InvalidArgumentError("epoch: 0, at least 1 is wanted");
  if (request.job().identity().empty() || request.job().incarnation() == 0) {
    return absl::InvalidArgumentError("job: identity and incarnation are wanted");
  }
  if (!request.manifest().empty() && ManifestHash(request.manifest()) != request.manifest_hash()) {
    return absl::InvalidArgumentError("manifest_hash: is not that of the manifest");
  }
  std::map<uint32_t, int> lanes;
  for (const fleet::v1::LaneRole& lane : request.lanes()) {
    if (lane.role() != fleet::v1::ROLE_FOLLOW && lane.role() != fleet::v1::ROLE_OWN) {
      return absl::InvalidArgumentError(absl::StrCat("lanes: lane ", lane.lane(), " has the role ",
                                                     static_cast<int>(lane.role()),
                                                     ", which this build does not know"));
    }
    if (!lanes.try_emplace(lane.lane(), lane.role()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("lanes: lane ", lane.lane(), " stands there twice"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<uint32_t, lane::Role>> RolesOf(const fleet::v1::AssignRequest& request,
                                                       const fleet::v1::PlanReply& plan) {
  std::map<uint32_t, lane::Role> roles;
  for (const fleet::v1::LaneRole& lane : request.lanes()) {
    if (lane.lane() >= static_cast<uint32_t>(plan.lanes_size())) {
      return absl::InvalidArgumentError(absl::StrCat("lanes: there is no lane ", lane.lane(),
                                                     ", the job has ", plan.lanes_size()));
    }
    roles[lane.lane()] =
        lane.role() == fleet::v1::ROLE_OWN ? lane::Role::kOwn : lane::Role::kFollow;
  }
  return roles;
}

std::string KeyOf(const fleet::v1::AssignRequest& request) {
  return absl::StrCat(request.job().identity(), "/", request.job().incarnation(), "/",
                      request.manifest_hash());
}

bool SameJob(const fleet::v1::JobRef& a, const fleet::v1::JobRef& b) {
  return a.identity() == b.identity() && a.incarnation() == b.incarnation();
}

std::string NameOf(const fleet::v1::JobRef& job) {
  return absl::StrCat(Quoted(job.identity()), ", incarnation ", job.incarnation());
}

}  // namespace streamml::control::internal
