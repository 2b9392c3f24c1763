#include "tests/sim/kafka/worker_life.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/log/kafka/internal/transport.h"
#include "worker/state/plain_snapshots.h"

namespace streamml::sim {

WorkerLife::WorkerLife(const TopicWorld& world, support::ModelDisk& disk, SharedStore& shared,
                       support::Random& random, std::shared_ptr<ClientState> state,
                       std::string name, WaitFunction wait_for_log)
    : disk_(disk),
      shared_(shared),
      random_(random),
      state_(std::move(state)),
      name_(std::move(name)),
      wait_for_log_(std::move(wait_for_log)),
      log_options_(world.LogOptions()),
      topics_(MakeModelTopics(state_)),
      plan_(world.PlanFor(*topics_)),
      background_lag_(1 + random.Below(shared.is_hasty ? 3 : 40)) {
  if (random.OneIn(3)) memory_.emplace(static_cast<int64_t>(random.Below(20'000)));
}
WorkerLife::~WorkerLife() = default;

absl::Status WorkerLife::Start() {
  ASSIGN_OR_RETURN(log_, log::internal::OpenLog(MakeModelTransport(state_), log_options_));
  return absl::OkStatus();
}

lane::Lane* WorkerLife::lane(uint32_t index) {
  const auto found = lanes_.find(index);
  return found == lanes_.end() ? nullptr : found->second.lane.get();
}

std::unique_ptr<state::SnapshotStore> WorkerLife::MakeStore(uint32_t index) {
  std::unique_ptr<state::LocalSnapshots> local =
      state::MakePlainSnapshots(disk_, absl::StrCat("data/snapshots-", index));
  if (shared_.keep_us == 0) return local;
  state::StoredSnapshotsOptions options;
  options.prefix = absl::StrCat("lanes/", index, "/");
  options.upload_interval_us = 0;
  options.grace_us = 30'000'000;
  options.uploads = state::StoredSnapshotsOptions::Uploads::kByHand;
  return state::MakeStoredSnapshots(std::move(local), disk_, *shared_.objects, shared_.clock,
                                    options);
}

absl::Status WorkerLife::Open(uint32_t index) {
  OpenLane open;
  open.store = MakeStore(index);
  open.stored = dynamic_cast<state::StoredSnapshots*>(open.store.get());
  ASSIGN_OR_RETURN(lane::LaneSpec spec, plan::MakeLaneSpec(plan_, index, *log_));
  lane::LaneEnvironment environment{disk_,  *log_, *open.store, background_,
                                    "data", name_, "sim",       plan_.job_hash};
  environment.keep_us = shared_.keep_us;
  environment.utc_us = [this] { return shared_.clock.UtcMicroseconds(); };
  if (memory_.has_value()) environment.memory = &*memory_;
  environment.wait_for_log = [this, index](const absl::Status& status, int attempt) {
    return wait_for_log_(index, status, attempt);
  };
  ASSIGN_OR_RETURN(open.lane, lane::Lane::Follow(std::move(spec), environment, notes_));
  lanes_[index] = std::move(open);
  return absl::OkStatus();
}

bool WorkerLife::is_following(uint32_t index) const {
  const auto found = lanes_.find(index);
  return found != lanes_.end() && !found->second.owner;
}

absl::Status WorkerLife::Claim(OpenLane& open) {
  open.claimed = true;
  return open.lane->Claim();
}

absl::Status WorkerLife::StandBy(uint32_t index) {
  only_looked_ = false;
  const auto found = lanes_.find(index);
  if (found == lanes_.end()) return Open(index);
  if (found->second.owner) return absl::OkStatus();
  // One that let the lane go, or lost it, goes on looking at the store.
  state::StoredSnapshots* const stored = found->second.stored;
  if (stored != nullptr && random_.OneIn(6)) return stored->UploadNow();
  if (shared_.is_hasty && !random_.OneIn(4)) return absl::OkStatus();
  return found->second.lane->CatchUp(1 + random_.Below(20)).status();
}

absl::Status WorkerLife::LetGo(uint32_t index) {
  const auto found = lanes_.find(index);
  if (found == lanes_.end()) return absl::OkStatus();
  OpenLane& open = found->second;
  if (open.claimed) RETURN_IF_ERROR(open.lane->LetGo());
  if (open.owner && !open.claimed)
    lanes_.erase(found);  // it was about to claim
  else
    open.owner = open.claimed = false;
  return absl::OkStatus();
}

absl::Status WorkerLife::Act(uint32_t index, uint64_t assignment) {
  only_looked_ = false;
  const auto found = lanes_.find(index);
  if (found == lanes_.end()) return Open(index);
  OpenLane& open = found->second;
  if (!open.owner && !random_.OneIn(3)) return StandBy(index);
  if (!open.owner) {
    open.owner = true;
    return open.lane->TakeOver(assignment, notes_);
  }
  if (!open.claimed) return Claim(open);
  if (open.stored != nullptr && random_.OneIn(shared_.is_hasty ? 4 : 8)) {
    return open.stored->UploadNow();
  }
  if (background_.has_work() && random_.OneIn(background_lag_)) {
    background_.RunOldest();
    return absl::OkStatus();
  }
  const uint64_t choice = random_.Below(13);
  only_looked_ = choice == 12;
  if (only_looked_) return open.lane->CheckNotReplaced();
  if (choice < 7) return open.lane->Advance(1 + random_.Below(60)).status();
  RETURN_IF_ERROR(open.lane->Commit());
  return choice < (shared_.is_hasty ? 8 : 11) ? absl::OkStatus() : open.lane->StartSnapshot();
}

absl::Status WorkerLife::Settle(uint32_t index, uint64_t assignment, bool& progress) {
  const auto found = lanes_.find(index);
  if (found == lanes_.end()) {
    progress = true;
    return Open(index);
  }
  OpenLane& open = found->second;
  if (!open.owner) {
    progress = open.owner = true;
    return open.lane->TakeOver(assignment, notes_);
  }
  if (!open.claimed) {
    progress = true;
    return Claim(open);
  }
  ASSIGN_OR_RETURN(const bool read, open.lane->Advance(1 + random_.Below(200)));
  progress = progress || read || open.lane->has_uncommitted();
  return random_.OneIn(2) ? absl::OkStatus() : open.lane->Commit();
}

absl::Status WorkerLife::StopLane(uint32_t index) {
  const auto found = lanes_.find(index);
  if (found == lanes_.end()) return absl::OkStatus();
  const absl::Status status = found->second.claimed ? found->second.lane->Stop() : absl::OkStatus();
  lanes_.erase(index);
  return status;
}

}  // namespace streamml::sim
