#include "tests/job/decide/fleet_world.h"

#include <utility>

#include "base/status.h"

namespace streamml::decide {

FleetWorld::FleetWorld(uint32_t num_lanes, Standby standby, uint64_t seed) : random_(seed) {
  for (uint32_t lane = 0; lane < num_lanes; ++lane) wanted_.lanes.push_back({lane, lane % 2, 1});
  wanted_.standby = standby;
}

void FleetWorld::Resize(size_t num_workers) {
  wanted_.workers.clear();
  for (size_t i = 0; i < num_workers; ++i) {
    const std::string name = absl::StrCat("w", i);
    wanted_.workers.insert(name);
    workers_.try_emplace(name);
  }
}

void FleetWorld::Kill(const std::string& name) {
  workers_[name].up = false;
  workers_[name].silent = false;
  workers_[name].lanes.clear();
}

void FleetWorld::ComeBack(const std::string& name) {
  Worker& worker = workers_[name];
  if (worker.up) return;
  worker.up = worker.ever_up = true;
  for (const auto& [lane, role] : worker.told.lanes) worker.lanes[lane] = Stage::kComing;
}

void FleetWorld::SetSilent(const std::string& name, bool silent) { workers_[name].silent = silent; }

void FleetWorld::RestartCoordinator() {
  state_.plan.clear();
  state_.ours.clear();
  for (auto& [lane, leaving] : state_.leaving) leaving.since_us = now_us_;
}

Observed FleetWorld::Look() const {
  Observed observed;
  for (const auto& [name, worker] : workers_) {
    if (!worker.ever_up && wanted_.workers.contains(name)) observed.starting.insert(name);
    if (!worker.up || worker.silent) continue;
    SeenWorker& seen = observed.up[name];
    seen.epoch = worker.told.epoch;
    for (const auto& [lane, stage] : worker.lanes) {
      SeenLane& state = seen.lanes[lane];
      switch (stage) {
        case Stage::kComing:
          state = SeenLane::kOther;
          break;
        case Stage::kFollowing:
          state = SeenLane::kCaughtUp;
          break;
        case Stage::kRunning:
          state = SeenLane::kRunning;
          break;
        case Stage::kTaking:
        case Stage::kReleasing:
          state = SeenLane::kHeld;
          break;
      }
    }
  }
  return observed;
}

void FleetWorld::Accept(Worker& worker, const WorkerRoles& roles, const std::string& name) {
  if (roles.epoch < worker.told.epoch) {
    violation_ = absl::StrCat(name, " was told a stale epoch ", roles.epoch);
    return;
  }
  worker.told = roles;
  for (auto& [lane, stage] : worker.lanes) {
    const auto role = roles.lanes.find(lane);
    const bool owns = role != roles.lanes.end() && role->second == LaneRole::kOwn;
    const bool holds = stage == Stage::kTaking || stage == Stage::kRunning;
    if (holds && !owns) stage = Stage::kReleasing;
    if (stage == Stage::kFollowing && owns) stage = Stage::kTaking;
  }
  std::erase_if(worker.lanes, [&](const auto& entry) {
    return !roles.lanes.contains(entry.first) && entry.second != Stage::kReleasing;
  });
  for (const auto& [lane, role] : roles.lanes) worker.lanes.try_emplace(lane, Stage::kComing);
}

void FleetWorld::GetOn() {
  auto worker = workers_.begin();
  std::advance(worker, static_cast<ptrdiff_t>(random_.Below(workers_.size())));
  auto& [name, values] = *worker;
  if (!values.ever_up) return ComeBack(name);
  if (values.lanes.empty()) return;
  auto entry = values.lanes.begin();
  std::advance(entry, static_cast<ptrdiff_t>(random_.Below(values.lanes.size())));
  auto& [lane, stage] = *entry;
  const auto role = values.told.lanes.find(lane);
  const bool owns = role != values.told.lanes.end() && role->second == LaneRole::kOwn;
  switch (stage) {
    case Stage::kComing:
      stage = owns ? Stage::kTaking : Stage::kFollowing;
      break;
    case Stage::kTaking:  // fences whoever ran it
      for (auto& [other, others] : workers_) {
        const auto theirs = others.lanes.find(lane);
        if (other != name && theirs != others.lanes.end() && theirs->second == Stage::kRunning) {
          theirs->second = Stage::kComing;
        }
      }
      stage = Stage::kRunning;
      break;
    case Stage::kReleasing:
      if (role == values.told.lanes.end()) {
        values.lanes.erase(entry);
      } else {
        stage = Stage::kComing;
      }
      break;
    case Stage::kFollowing:
    case Stage::kRunning:
      break;
  }
}

FleetStep FleetWorld::Step() {
  now_us_ += 1000;
  const Observed observed = Look();
  FleetStep step = NextStep(wanted_, state_, observed, now_us_);
  CheckPromises(state_, step, observed);
  state_ = step.state;
  for (const std::string& name : step.send) {
    const auto [sent, is_new] =
        sent_.try_emplace({name, state_.workers.at(name).epoch}, state_.workers.at(name).lanes);
    if (!is_new && sent->second != state_.workers.at(name).lanes) {
      violation_ = absl::StrCat(name, " was sent two contents of one epoch");
    }
    if (!random_.OneIn(4)) Accept(workers_[name], state_.workers.at(name), name);
  }
  for (const std::string& name : step.spare) Kill(name);
  return step;
}

void FleetWorld::CheckPromises(const FleetState& before, const FleetStep& step,
                               const Observed& observed) {
  if (step.state.epoch < before.epoch) violation_ = "the epoch went back";
  for (const LaneWeight& lane : wanted_.lanes) {
    size_t owners = step.state.leaving.contains(lane.lane) ? 1 : 0;
    for (const auto& [name, roles] : step.state.workers) {
      const auto role = roles.lanes.find(lane.lane);
      if (role == roles.lanes.end()) continue;
      if (role->second == LaneRole::kOwn) ++owners;
      if (roles.epoch > step.state.epoch) violation_ = "an epoch above the highest";
    }
    if (owners > 1) violation_ = absl::StrCat("lane ", lane.lane, " was given to two");
  }
  for (const FleetEvent& event : step.events) {
    if (event.kind != FleetEvent::Kind::kRelease) continue;
    const auto target = observed.up.find(event.to);
    if (target == observed.up.end() || !target->second.lanes.contains(event.lane) ||
        target->second.lanes.at(event.lane) != SeenLane::kCaughtUp) {
      violation_ = absl::StrCat("lane ", event.lane, " was taken away before it was followed");
    }
  }
}

bool FleetWorld::Settle() {
  for (int round = 0; round < 5000; ++round) {
    for (int i = 0; i < 3; ++i) GetOn();
    if (Step().settled) return true;
    if (!violation_.empty()) return false;
  }
  return false;
}

std::set<std::string> FleetWorld::RunningAt(uint32_t lane) const {
  std::set<std::string> result;
  for (const auto& [name, worker] : workers_) {
    const auto stage = worker.lanes.find(lane);
    if (stage != worker.lanes.end() && stage->second == Stage::kRunning) result.insert(name);
  }
  return result;
}

std::set<std::string> FleetWorld::names() const {
  std::set<std::string> result;
  for (const auto& [name, worker] : workers_) result.insert(name);
  return result;
}

}  // namespace streamml::decide
