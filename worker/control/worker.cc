#include "worker/control/worker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/status.h"
#include "base/wording.h"
#include "worker/control/assignment_file.h"
#include "worker/control/internal/assignment_rules.h"
#include "worker/control/refusal.h"

namespace streamml::control {
namespace {

using fleet::v1::Refusal;
using internal::Content;
using internal::KeyOf;
using internal::NameOf;
using internal::SameJob;

constexpr size_t kMaxNotes = 100;
constexpr int64_t kSliceUs = 50'000;  // how soon a wait sees that the job is another one
constexpr int64_t kForgetRatesUs = 60'000'000;
constexpr int64_t kSnapshotUs = 60'000'000;  // how long it may take

absl::StatusOr<fleet::v1::SnapshotReply> TakeSnapshots(JobLanes& lanes,
                                                       const fleet::v1::SnapshotRequest& request) {
  const auto taken = lanes.Snapshot({request.lanes().begin(), request.lanes().end()}, kSnapshotUs);
  RETURN_IF_ERROR(taken.status());
  fleet::v1::SnapshotReply reply;
  for (const lane::LaneSnapshot& snapshot : *taken) {
    fleet::v1::LaneSnapshot& out = *reply.add_snapshots();
    out.set_lane(snapshot.lane);
    out.set_position(snapshot.sequence);
  }
  return reply;
}

}  // namespace

// Waits until nobody else has it.
class Worker::Turn {
 public:
  explicit Turn(Worker& worker) : worker_(worker) {
    const MutexLock lock(worker_.mutex_);
    while (worker_.busy_) worker_.changed_.WaitFor(worker_.mutex_, 1'000'000);
    worker_.busy_ = true;
  }
  ~Turn() {
    const MutexLock lock(worker_.mutex_);
    worker_.busy_ = false;
    worker_.changed_.NotifyAll();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Worker& worker_;
};

Worker::Worker(WorkerOptions options, JobMaker& maker, Disk& disk, Clock& clock)
    : options_(std::move(options)), maker_(maker), disk_(disk), clock_(clock) {}

Worker::~Worker() { Stop(); }

absl::StatusOr<std::unique_ptr<Worker>> Worker::Make(WorkerOptions options, JobMaker& maker,
                                                     Disk& disk, Clock& clock) {
  std::unique_ptr<Worker> worker(new Worker(std::move(options), maker, disk, clock));
  ASSIGN_OR_RETURN(auto stored, ReadAssignment(disk, worker->options_.assignment_path));
  if (stored.has_value()) {
    const MutexLock lock(worker->mutex_);
    worker->stored_ = *std::move(stored);
    if (worker->stored_.drained()) worker->state_ = fleet::v1::WORKER_STATE_DRAINED;
  }
  return worker;
}

void Worker::Changed() {
  ++version_;
  changed_.NotifyAll();
}

void Worker::SetState(fleet::v1::WorkerState state) {
  const MutexLock lock(mutex_);
  state_ = state;
  Changed();
}

std::shared_ptr<JobLanes> Worker::lanes() const {
  const MutexLock lock(mutex_);
  return lanes_;
}

std::string Worker::lanes_key() const {
  const MutexLock lock(mutex_);
  return lanes_key_;
}

bool Worker::stopping() const {
  const MutexLock lock(mutex_);
  return stopping_;
}

absl::Status Worker::CheckStopping() const {
  if (!stopping()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("worker ", Quoted(options_.info.name()), " is ending"));
}

absl::Status Worker::Resume() {
  const Turn turn(*this);
  RETURN_IF_ERROR(CheckStopping());
  fleet::v1::AssignRequest request;
  {
    const MutexLock lock(mutex_);
    // Somebody was quicker, or there is nothing to do.
    if (lanes_ != nullptr || stored_.drained() || stored_.assignment().epoch() == 0) {
      return absl::OkStatus();
    }
    request = stored_.assignment();
  }
  return Annotate(Act(request, /*store=*/false),
                  absl::StrCat("going on with the assignment of epoch ", request.epoch()));
}

absl::StatusOr<fleet::v1::PlanReply> Worker::Plan(const fleet::v1::PlanRequest& request) {
  RETURN_IF_ERROR(CheckStopping());
  return maker_.Plan(request);
}

absl::Status Worker::CheckTold(const fleet::v1::AssignRequest& request, bool& repeated) const {
  const MutexLock lock(mutex_);
  const fleet::v1::AssignRequest& last = stored_.assignment();
  const auto refuse = [&](absl::StatusCode code, Refusal::Reason reason, const std::string& why) {
    return Refuse(code, reason, last.epoch(), why);
  };
  if (request.worker() != options_.info.name()) {
    return refuse(absl::StatusCode::kFailedPrecondition, Refusal::OTHER_WORKER,
                  absl::StrCat("the assignment is for worker ", Quoted(request.worker()),
                               ", this is ", Quoted(options_.info.name())));
  }
  const bool same_job = SameJob(request.job(), last.job());
  if (last.epoch() > 0 && !same_job && !stored_.drained()) {
    return refuse(absl::StatusCode::kFailedPrecondition, Refusal::OTHER_JOB,
                  absl::StrCat("the assignment is for job ", NameOf(request.job()),
                               ", this worker has lanes of ", NameOf(last.job()),
                               ", and would have to be drained first"));
  }
  if (last.epoch() == 0 || !same_job) return absl::OkStatus();  // another job has epochs of its own
  if (request.epoch() < last.epoch() || (request.epoch() == last.epoch() && stored_.drained())) {
    return refuse(absl::StatusCode::kFailedPrecondition, Refusal::STALE_EPOCH,
                  absl::StrCat("epoch ", request.epoch(), " is not above ", last.epoch(),
                               ", the last one that was accepted"));
  }
  if (request.epoch() > last.epoch()) return absl::OkStatus();
  if (Content(request) != Content(last)) {
    return refuse(
        absl::StatusCode::kAlreadyExists, Refusal::EPOCH_REUSED,
        absl::StrCat("epoch ", request.epoch(), " was accepted before with other content"));
  }
  repeated = true;
  return absl::OkStatus();
}

absl::Status Worker::Assign(const fleet::v1::AssignRequest& request) {
  RETURN_IF_ERROR(internal::CheckForm(request));
  const Turn turn(*this);
  RETURN_IF_ERROR(CheckStopping());
  bool repeated = false;
  RETURN_IF_ERROR(CheckTold(request, repeated));
  fleet::v1::AssignRequest whole = request;
  {
    const MutexLock lock(mutex_);
    if (repeated && lanes_ != nullptr) return absl::OkStatus();
    const fleet::v1::AssignRequest& last = stored_.assignment();
    if (whole.manifest().empty() && whole.manifest_hash() == last.manifest_hash()) {
      whole.set_manifest(last.manifest());
    }
  }
  if (whole.manifest().empty()) {
    return absl::InvalidArgumentError("manifest: is empty, and this worker holds no such one");
  }
  return Act(whole, /*store=*/!repeated);
}

// Opens the job where that is not done yet, keeps the assignment, tells the lanes: in this order,
// so that what is kept can be acted upon, and what is acted upon is kept.
absl::Status Worker::Act(const fleet::v1::AssignRequest& request, bool store) {
  std::optional<OpenedJob> opened;
  const std::string key = KeyOf(request);
  fleet::v1::PlanReply plan;
  uint64_t last_epoch = 0;
  {
    const MutexLock lock(mutex_);
    plan = plan_;
    last_epoch = stored_.assignment().epoch();
  }
  if (lanes() == nullptr || lanes_key() != key) {
    ASSIGN_OR_RETURN(opened, maker_.Open(request.job(), request.manifest()));
    plan = opened->plan;
  }
  if (request.job_hash() != 0 && request.job_hash() != plan.job_hash()) {
    return Refuse(absl::StatusCode::kFailedPrecondition, Refusal::OTHER_PLAN, last_epoch,
                  "this worker plans the job otherwise: another build, another manifest, or topics "
                  "that have changed");
  }
  ASSIGN_OR_RETURN(const auto roles, internal::RolesOf(request, plan));
  fleet::v1::StoredAssignment stored;
  *stored.mutable_assignment() = request;
  if (store) RETURN_IF_ERROR(WriteAssignment(disk_, options_.assignment_path, stored));
  if (opened.has_value()) Install(*std::move(opened), key);
  {
    const MutexLock lock(mutex_);
    stored_ = std::move(stored);
    state_ = fleet::v1::WORKER_STATE_ASSIGNED;
    Changed();
  }
  return lanes()->Assign(request.epoch(), roles);
}

// Another manifest, or the same after a drain, has lanes of its own.
void Worker::Install(OpenedJob opened, const std::string& key) {
  const std::shared_ptr<JobLanes> before = lanes();
  if (before != nullptr) before->Stop();
  const MutexLock lock(mutex_);
  plan_ = std::move(opened.plan);
  lanes_ = std::move(opened.lanes);
  lanes_key_ = key;
  rates_ = RowRates();
  Changed();
}

absl::StatusOr<fleet::v1::SnapshotReply> Worker::Snapshot(
    const fleet::v1::SnapshotRequest& request) {
  RETURN_IF_ERROR(CheckStopping());
  std::shared_ptr<JobLanes> lanes;
  fleet::v1::AssignRequest last;
  {
    const MutexLock lock(mutex_);
    lanes = lanes_;
    last.set_epoch(stored_.assignment().epoch());
    *last.mutable_job() = stored_.assignment().job();
  }
  const auto refuse = [&](Refusal::Reason reason, const std::string& why) {
    return Refuse(absl::StatusCode::kFailedPrecondition, reason, last.epoch(), why);
  };
  if (last.epoch() > 0 && !SameJob(request.job(), last.job())) {
    return refuse(Refusal::OTHER_JOB, absl::StrCat("the snapshot is of job ", NameOf(request.job()),
                                                   ", this worker has ", NameOf(last.job())));
  }
  if (lanes == nullptr) {
    if (request.lanes_size() == 0) return fleet::v1::SnapshotReply();
    return refuse(Refusal::NOT_OWNED, "this worker has no lanes");
  }
  absl::StatusOr<fleet::v1::SnapshotReply> taken = request.has_savepoint()
                                                       ? lanes->TakeParts(request, kSnapshotUs)
                                                       : TakeSnapshots(*lanes, request);
  if (absl::IsFailedPrecondition(taken.status())) {
    return refuse(Refusal::NOT_OWNED, std::string(taken.status().message()));
  }
  return taken;
}

absl::Status Worker::Drain(const fleet::v1::DrainRequest& request) {
  const Turn turn(*this);
  RETURN_IF_ERROR(CheckStopping());
  fleet::v1::StoredAssignment stored;
  {
    const MutexLock lock(mutex_);
    stored = stored_;
  }
  const fleet::v1::AssignRequest& last = stored.assignment();
  if (last.epoch() == 0) return absl::OkStatus();
  if (!SameJob(request.job(), last.job())) {
    return Refuse(absl::StatusCode::kFailedPrecondition, Refusal::OTHER_JOB, last.epoch(),
                  absl::StrCat("the drain is of job ", NameOf(request.job()), ", this worker has ",
                               NameOf(last.job())));
  }
  if (request.epoch() < last.epoch()) {
    return Refuse(absl::StatusCode::kFailedPrecondition, Refusal::STALE_EPOCH, last.epoch(),
                  absl::StrCat("epoch ", request.epoch(), " is below ", last.epoch(),
                               ", the last one that was accepted"));
  }
  if (!stored.drained()) {
    stored.set_drained(true);
    RETURN_IF_ERROR(WriteAssignment(disk_, options_.assignment_path, stored));
  }
  {
    const MutexLock lock(mutex_);
    stored_ = std::move(stored);
    state_ = fleet::v1::WORKER_STATE_DRAINING;
    Changed();
  }
  const std::shared_ptr<JobLanes> lanes = this->lanes();
  if (lanes != nullptr) lanes->Stop();
  const MutexLock lock(mutex_);
  lanes_ = nullptr;
  lanes_key_.clear();
  state_ = fleet::v1::WORKER_STATE_DRAINED;
  Changed();
  return absl::OkStatus();
}

// The assignment is read before the facts: a lane is never said to be let go by an assignment that
// its lane had not heard of.
fleet::v1::Observation Worker::Observe(uint64_t& next_note) {
  fleet::v1::Observation observation;
  *observation.mutable_worker() = options_.info;
  std::shared_ptr<JobLanes> lanes;
  std::map<uint32_t, int> roles;
  {
    const MutexLock lock(mutex_);
    lanes = lanes_;
    observation.mutable_worker()->set_http_address(http_address_);
    observation.set_state(state_);
    if (lanes_ != nullptr) {
      *observation.mutable_job() = stored_.assignment().job();
      observation.set_epoch(stored_.assignment().epoch());
      observation.set_job_hash(plan_.job_hash());
    }
    for (const fleet::v1::LaneRole& lane : stored_.assignment().lanes()) {
      roles[lane.lane()] = lane.role();
    }
  }
  const std::vector<lane::LaneFacts> facts =
      lanes == nullptr ? std::vector<lane::LaneFacts>{} : lanes->Facts();
  const int64_t now = clock_.MonotonicMicroseconds();
  const MutexLock lock(mutex_);
  for (const lane::LaneFacts& lane : facts) {
    if (lane.phase == lane::Phase::kReleased) continue;
    const std::vector<lane::Counter>& counters = lane.progress.counters;
    const double rate = counters.empty() ? 0 : rates_.Note(lane.lane, counters.front().second, now);
    fleet::v1::LaneFacts& out = *observation.add_lanes();
    out = ToProto(lane, rate, plan_, clock_);
    if (lane.phase == lane::Phase::kRunning && !roles.contains(lane.lane)) {
      out.set_phase(fleet::v1::PHASE_RELEASING);
    }
  }
  rates_.ForgetBefore(now - kForgetRatesUs);
  const uint64_t end = first_note_ + notes_.size();
  for (next_note = std::max(next_note, first_note_); next_note < end; ++next_note) {
    observation.add_notes(notes_[next_note - first_note_]);
  }
  return observation;
}

void Worker::AwaitChange(Seen& seen, int64_t timeout_us) {
  const int64_t end = clock_.MonotonicMicroseconds() + timeout_us;
  while (true) {
    const int64_t left = end - clock_.MonotonicMicroseconds();
    const int64_t slice = std::clamp<int64_t>(left, 0, kSliceUs);
    const std::shared_ptr<JobLanes> lanes = this->lanes();
    bool changed = false;
    if (lanes != nullptr) {
      lanes->AwaitChange(seen.lanes, slice);
      const uint64_t version = lanes->version();
      changed = version != seen.lanes;
      seen.lanes = version;
    }
    const MutexLock lock(mutex_);
    if (lanes == nullptr && version_ == seen.worker && slice > 0) changed_.WaitFor(mutex_, slice);
    changed = changed || version_ != seen.worker;
    seen.worker = version_;
    if (changed || left <= 0) return;
  }
}

void Worker::SetHttpAddress(const std::string& address) {
  const MutexLock lock(mutex_);
  http_address_ = address;
}

void Worker::Note(const std::string& text) {
  const MutexLock lock(mutex_);
  notes_.push_back(text);
  if (notes_.size() > kMaxNotes) {
    notes_.pop_front();
    ++first_note_;
  }
  Changed();
}

void Worker::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    Changed();
  }
  const Turn turn(*this);
  const std::shared_ptr<JobLanes> lanes = this->lanes();
  if (lanes == nullptr) return;
  SetState(fleet::v1::WORKER_STATE_DRAINING);
  lanes->Stop();
}

}  // namespace streamml::control
