#include "job/decide/fleet.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace streamml::decide {
namespace {

class Stepper {
 public:
  Stepper(const Wanted& wanted, const FleetState& state, const Observed& observed, int64_t now_us)
      : wanted_(wanted), before_(state), observed_(observed), now_us_(now_us) {
    next_ = state;
    next_epoch_ = NextEpoch();
  }

  FleetStep Run() {
    if (std::optional<Rival> rival = FindRival()) {
      FleetStep step;
      step.state = before_;
      step.rival = *rival;
      return step;
    }
    NoteOurs();
    MakePlan();
    for (const LaneWeight& lane : wanted_.lanes) StepLane(lane.lane);
    DropUnknownLanes();
    GiveEpochs();
    FleetStep step;
    step.state = std::move(next_);
    step.events = std::move(events_);
    for (const auto& [name, seen] : observed_.up) {
      const auto roles = step.state.workers.find(name);
      if (roles != step.state.workers.end() && seen.epoch != roles->second.epoch) {
        step.send.push_back(name);
      } else if (!wanted_.workers.contains(name) && seen.lanes.empty() &&
                 (roles == step.state.workers.end() || roles->second.lanes.empty())) {
        step.spare.push_back(name);
      }
    }
    step.settled = step.send.empty() && step.spare.empty() && IsSettled(step.state);
    return step;
  }

 private:
  // The first of the series above all that is known of. Journals remember epochs that nobody else
  // does: those of a coordinator whose folder was lost, given to workers that are gone.
  uint64_t NextEpoch() const {
    uint64_t highest = before_.epoch;
    for (const auto& [name, worker] : observed_.up) {
      highest = std::max(highest, worker.epoch);
      for (const auto& [lane, epoch] : worker.claims) highest = std::max(highest, epoch);
    }
    const auto [modulus, remainder] = wanted_.epochs;
    const uint64_t first = highest - highest % modulus + remainder;
    return first > highest ? first : first + modulus;
  }

  // A claim that is higher than all we gave out is nothing to wonder at in a lane that we have not
  // had yet: our memory may be lost. A lane that was ours has been taken.
  std::optional<Rival> FindRival() const {
    for (const uint32_t lane : before_.ours) {
      const uint64_t claim = HighestClaim(lane);
      if (claim > before_.epoch) return Rival{lane, claim};
    }
    return std::nullopt;
  }

  bool IsOfOurSeries(uint64_t epoch) const {
    return epoch > 0 && epoch <= before_.epoch &&
           epoch % wanted_.epochs.modulus == wanted_.epochs.remainder;
  }

  void NoteOurs() {
    for (const auto& [name, seen] : observed_.up) {
      for (const auto& [lane, epoch] : seen.claims) {
        if (IsOfOurSeries(epoch) && Sees(name, lane, SeenLane::kRunning)) next_.ours.insert(lane);
      }
    }
  }

  bool IsPresent(const std::string& worker) const {
    return observed_.up.contains(worker) || observed_.starting.contains(worker);
  }

  std::string OwnerOf(uint32_t lane) const {
    for (const auto& [name, roles] : next_.workers) {
      const auto role = roles.lanes.find(lane);
      if (role != roles.lanes.end() && role->second == LaneRole::kOwn) return name;
    }
    return "";
  }

  // From the plan so far; a lane whose planned owner is gone stays with the one that has it.
  void MakePlan() {
    std::vector<std::string> workers;
    for (const std::string& name : wanted_.workers) {
      if (IsPresent(name)) workers.push_back(name);
    }
    if (workers.empty()) return;  // nobody to plan for: what was promised stands
    Assignment current;
    for (const LaneWeight& lane : wanted_.lanes) {
      Placement& placement = current[lane.lane];
      const auto planned = before_.plan.find(lane.lane);
      if (planned != before_.plan.end()) placement = planned->second;
      if (!IsPresent(placement.owner)) {
        const std::string owner = OwnerOf(lane.lane);
        if (IsPresent(owner)) placement.owner = owner;
      }
      if (placement.standby.empty()) placement.standby = FollowerOf(lane.lane);
    }
    next_.plan = Assign(wanted_.lanes, workers, current, wanted_.standby);
  }

  // After a restart of the coordinator, when the plan is not known.
  std::string FollowerOf(uint32_t lane) const {
    if (before_.plan.contains(lane)) return "";
    for (const auto& [name, roles] : next_.workers) {
      const auto role = roles.lanes.find(lane);
      if (role != roles.lanes.end() && role->second == LaneRole::kFollow) return name;
    }
    return "";
  }

  void SetRole(const std::string& worker, uint32_t lane, LaneRole role) {
    next_.workers[worker].lanes[lane] = role;
  }
  void ClearRole(const std::string& worker, uint32_t lane) {
    next_.workers[worker].lanes.erase(lane);
  }

  void StepLane(uint32_t lane) {
    const auto planned = next_.plan.find(lane);
    if (planned == next_.plan.end() || planned->second.owner.empty()) return;
    const std::string& target = planned->second.owner;
    const std::string& standby = planned->second.standby;
    std::string owner = OwnerOf(lane);
    std::string lost;
    if (!owner.empty() && owner != target && !IsPresent(owner)) {
      lost = owner;
      ClearRole(owner, lane);
      owner.clear();
    }
    if (owner.empty()) {
      GiveTo(lane, target, lost);
    } else if (owner != target) {
      HandOff(lane, owner, target, standby);
    }
    KeepFollowers(lane, target, standby);
  }

  // Who is ready at once, if the target is not: the lane then gets to the target by a hand-off.
  std::string Readiest(uint32_t lane, const std::string& target) const {
    if (Sees(target, lane, SeenLane::kCaughtUp)) return target;
    for (const auto& [name, roles] : next_.workers) {
      if (roles.lanes.contains(lane) && Sees(name, lane, SeenLane::kCaughtUp)) return name;
    }
    return target;
  }

  // Nobody has the lane, or somebody who has still to let it go.
  void GiveTo(uint32_t lane, const std::string& planned, const std::string& lost) {
    const std::string target = Readiest(lane, planned);
    FleetEvent event{FleetEvent::Kind::kOwn, lane, lost, target};
    if (!lost.empty()) event.kind = FleetEvent::Kind::kFailover;
    const auto leaving = next_.leaving.find(lane);
    if (leaving != next_.leaving.end()) {
      event.from = leaving->second.worker;
      if (!IsPresent(event.from)) {
        event.kind = FleetEvent::Kind::kFailover;
      } else if (!HasLetGo(lane, leaving->second)) {
        if (now_us_ - leaving->second.since_us < kReleaseTimeoutUs) return;
        event.kind = FleetEvent::Kind::kOverdue;
      }
      next_.leaving.erase(leaving);
    }
    SetRole(target, lane, LaneRole::kOwn);
    events_.push_back(std::move(event));
  }

  bool HasLetGo(uint32_t lane, const Leaving& leaving) const {
    const auto worker = observed_.up.find(leaving.worker);
    if (worker == observed_.up.end() || worker->second.epoch < leaving.epoch) return false;
    const auto seen = worker->second.lanes.find(lane);
    return seen == worker->second.lanes.end() ||
           (seen->second != SeenLane::kHeld && seen->second != SeenLane::kRunning);
  }

  void HandOff(uint32_t lane, const std::string& owner, const std::string& target,
               const std::string& standby) {
    const auto roles = next_.workers.find(target);
    if (roles == next_.workers.end() || !roles->second.lanes.contains(lane)) {
      events_.push_back({FleetEvent::Kind::kFollow, lane, owner, target});
    }
    SetRole(target, lane, LaneRole::kFollow);
    if (!Sees(target, lane, SeenLane::kCaughtUp)) return;
    ClearRole(owner, lane);
    if (owner == standby) SetRole(owner, lane, LaneRole::kFollow);
    next_.leaving[lane] = {owner, next_epoch_, now_us_};
    events_.push_back({FleetEvent::Kind::kRelease, lane, owner, target});
  }

  bool Sees(const std::string& worker, uint32_t lane, SeenLane state) const {
    const auto up = observed_.up.find(worker);
    if (up == observed_.up.end()) return false;
    const auto seen = up->second.lanes.find(lane);
    return seen != up->second.lanes.end() && seen->second == state;
  }

  void KeepFollowers(uint32_t lane, const std::string& target, const std::string& standby) {
    for (auto& [name, roles] : next_.workers) {
      const auto role = roles.lanes.find(lane);
      if (role == roles.lanes.end() || role->second != LaneRole::kFollow) continue;
      if (name != target && name != standby) roles.lanes.erase(role);
    }
    if (standby.empty() || standby == OwnerOf(lane)) return;
    SetRole(standby, lane, LaneRole::kFollow);
  }

  void DropUnknownLanes() {
    for (auto& [name, roles] : next_.workers) {
      std::erase_if(roles.lanes, [&](const auto& entry) {
        return std::none_of(wanted_.lanes.begin(), wanted_.lanes.end(),
                            [&](const LaneWeight& lane) { return lane.lane == entry.first; });
      });
    }
  }

  // The worker is to own a lane that was claimed under a later assignment than its own: it gives up
  // each time that it reads that.
  bool IsOutdated(const WorkerRoles& roles) const {
    return std::any_of(roles.lanes.begin(), roles.lanes.end(), [&](const auto& role) {
      return role.second == LaneRole::kOwn && HighestClaim(role.first) > roles.epoch;
    });
  }
  uint64_t HighestClaim(uint32_t lane) const {
    uint64_t highest = 0;
    for (const auto& [name, seen] : observed_.up) {
      const auto claim = seen.claims.find(lane);
      if (claim != seen.claims.end()) highest = std::max(highest, claim->second);
    }
    return highest;
  }

  // A worker gets a new epoch when it is to do something else than before, and when there has been
  // a higher one that we do not know of (our state is not the newest that there ever was): one that
  // the worker has accepted, or that a lane of its was claimed with; and when another process has
  // claimed with the one it has, so that the worker that we hear is the one that is right.
  void GiveEpochs() {
    for (const auto& [name, seen] : observed_.up) {
      if (seen.epoch > 0) next_.workers.try_emplace(name);
    }
    for (auto& [name, roles] : next_.workers) {
      const auto before = before_.workers.find(name);
      const auto seen = observed_.up.find(name);
      const bool ahead = seen != observed_.up.end() &&
                         (seen->second.epoch > roles.epoch || IsOutdated(roles) ||
                          (seen->second.contested > 0 && seen->second.contested >= roles.epoch));
      const bool same = before == before_.workers.end()
                            ? roles.lanes.empty() && roles.epoch == 0 && !ahead
                            : before->second.lanes == roles.lanes;
      if (same && !ahead) continue;
      roles.epoch = next_epoch_;
      next_.epoch = next_epoch_;
    }
    std::erase_if(next_.workers, [](const auto& entry) { return entry.second.epoch == 0; });
  }

  bool IsSettled(const FleetState& state) const {
    if (!state.leaving.empty() || !observed_.starting.empty()) return false;
    for (const std::string& name : wanted_.workers) {
      if (!observed_.up.contains(name)) return false;
    }
    for (const LaneWeight& lane : wanted_.lanes) {
      const auto planned = state.plan.find(lane.lane);
      if (planned == state.plan.end()) return false;
      const Placement& place = planned->second;
      if (!Sees(place.owner, lane.lane, SeenLane::kRunning)) return false;
      if (!place.standby.empty() && !Sees(place.standby, lane.lane, SeenLane::kCaughtUp)) {
        return false;
      }
    }
    return true;
  }

  const Wanted& wanted_;
  const FleetState& before_;
  const Observed& observed_;
  const int64_t now_us_;
  FleetState next_;
  uint64_t next_epoch_ = 0;
  std::vector<FleetEvent> events_;
};

}  // namespace

FleetStep NextStep(const Wanted& wanted, const FleetState& state, const Observed& observed,
                   int64_t now_us) {
  return Stepper(wanted, state, observed, now_us).Run();
}

}  // namespace streamml::decide
