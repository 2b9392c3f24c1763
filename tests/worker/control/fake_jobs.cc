#include "tests/worker/control/fake_jobs.h"

#include <utility>

#include "base/hash.h"
#include "base/status.h"
#include "worker/control/assignment_file.h"

namespace streamml::control {

class FakeJobs::Lanes final : public JobLanes {
 public:
  explicit Lanes(FakeJobs& jobs) : jobs_(jobs) {}

  absl::Status Assign(uint64_t epoch, const std::map<uint32_t, lane::Role>& lanes) override {
    const MutexLock lock(jobs_.mutex_);
    jobs_.epoch_ = epoch;
    jobs_.roles_ = lanes;
    jobs_.facts_.clear();
    for (const auto& [lane, role] : lanes) {
      lane::LaneFacts facts;
      facts.lane = lane;
      facts.epoch = epoch;
      facts.phase = role == lane::Role::kOwn ? lane::Phase::kRunning : lane::Phase::kFollowing;
      facts.caught_up = role == lane::Role::kFollow;
      jobs_.facts_.push_back(facts);
    }
    ++jobs_.version_;
    jobs_.changed_.NotifyAll();
    return absl::OkStatus();
  }
  std::vector<lane::LaneFacts> Facts() const override {
    const MutexLock lock(jobs_.mutex_);
    return jobs_.facts_;
  }
  uint64_t version() const override {
    const MutexLock lock(jobs_.mutex_);
    return jobs_.version_;
  }
  void AwaitChange(uint64_t seen, int64_t timeout_us) override {
    const MutexLock lock(jobs_.mutex_);
    if (jobs_.version_ == seen && timeout_us > 0) jobs_.changed_.WaitFor(jobs_.mutex_, timeout_us);
  }
  absl::StatusOr<std::vector<lane::LaneSnapshot>> Snapshot(const std::vector<uint32_t>& /*lanes*/,
                                                           int64_t /*timeout_us*/) override {
    const MutexLock lock(jobs_.mutex_);
    return jobs_.snapshots_;
  }
  void Stop() override {
    const MutexLock lock(jobs_.mutex_);
    ++jobs_.num_stopping_;
    jobs_.changed_.NotifyAll();
    while (jobs_.held_) jobs_.changed_.WaitFor(jobs_.mutex_, 1'000'000);
    if (!std::exchange(stopped_, true)) ++jobs_.num_stopped_;
    jobs_.facts_.clear();
    ++jobs_.version_;
    jobs_.changed_.NotifyAll();
  }

 private:
  FakeJobs& jobs_;
  bool stopped_ = false;
};

// A manifest is wrong when it says so, and has two stages of two lanes otherwise.
absl::StatusOr<fleet::v1::PlanReply> FakeJobs::Plan(const fleet::v1::PlanRequest& request) {
  fleet::v1::PlanReply reply;
  if (request.manifest() == "wrong") {
    fleet::v1::Mistake& mistake = *reply.add_mistakes();
    mistake.set_line(3);
    mistake.set_message("wrong");
    return reply;
  }
  reply.mutable_job()->set_identity("fake");
  reply.mutable_job()->set_incarnation(1);
  for (uint32_t stage = 0; stage < 2; ++stage) {
    fleet::v1::Stage& out = *reply.add_stages();
    out.set_name(stage == 0 ? "source" : "windows");
    out.set_first_lane(stage * 2);
    out.set_num_lanes(2);
    out.set_reads_source(stage == 0);
    for (uint32_t part = 0; part < 2; ++part) {
      fleet::v1::Lane& lane = *reply.add_lanes();
      lane.set_lane(stage * 2 + part);
      lane.set_name(absl::StrCat(out.name(), "[", part, "]"));
      lane.set_stage(stage);
    }
  }
  reply.set_job_hash(Hash64(request.manifest()));
  reply.set_fingerprint("1-fake-utc");
  return reply;
}

absl::StatusOr<OpenedJob> FakeJobs::Open(const fleet::v1::JobRef& /*job*/,
                                         const std::string& manifest) {
  {
    const MutexLock lock(mutex_);
    RETURN_IF_ERROR(open_error_);
    ++num_opened_;
  }
  fleet::v1::PlanRequest request;
  request.set_manifest(manifest);
  ASSIGN_OR_RETURN(fleet::v1::PlanReply plan, Plan(request));
  if (plan.mistakes_size() > 0) return absl::InvalidArgumentError("wrong");
  return OpenedJob{std::move(plan), std::make_unique<Lanes>(*this)};
}

void FakeJobs::SetOpenError(absl::Status status) {
  const MutexLock lock(mutex_);
  open_error_ = std::move(status);
}

void FakeJobs::SetFacts(std::vector<lane::LaneFacts> facts) {
  const MutexLock lock(mutex_);
  facts_ = std::move(facts);
  ++version_;
  changed_.NotifyAll();
}

void FakeJobs::SetSnapshots(absl::StatusOr<std::vector<lane::LaneSnapshot>> snapshots) {
  const MutexLock lock(mutex_);
  snapshots_ = std::move(snapshots);
}

std::map<uint32_t, lane::Role> FakeJobs::roles() const {
  const MutexLock lock(mutex_);
  return roles_;
}

uint64_t FakeJobs::epoch() const {
  const MutexLock lock(mutex_);
  return epoch_;
}

int FakeJobs::num_opened() const {
  const MutexLock lock(mutex_);
  return num_opened_;
}

int FakeJobs::num_stopped() const {
  const MutexLock lock(mutex_);
  return num_stopped_;
}

void FakeJobs::HoldStops() {
  const MutexLock lock(mutex_);
  held_ = true;
}

void FakeJobs::Release() {
  const MutexLock lock(mutex_);
  held_ = false;
  changed_.NotifyAll();
}

void FakeJobs::AwaitStop() {
  const MutexLock lock(mutex_);
  while (num_stopping_ == 0) changed_.WaitFor(mutex_, 1'000'000);
}

fleet::v1::AssignRequest FakeAssignment(uint64_t epoch, const std::string& worker,
                                        const std::map<uint32_t, bool>& owned) {
  fleet::v1::AssignRequest request;
  request.mutable_job()->set_identity("fake");
  request.mutable_job()->set_incarnation(1);
  request.set_epoch(epoch);
  request.set_worker(worker);
  request.set_manifest("text");
  request.set_manifest_hash(ManifestHash("text"));
  for (const auto& [lane, own] : owned) {
    fleet::v1::LaneRole& role = *request.add_lanes();
    role.set_lane(lane);
    role.set_role(own ? fleet::v1::ROLE_OWN : fleet::v1::ROLE_FOLLOW);
  }
  return request;
}

}  // namespace streamml::control
