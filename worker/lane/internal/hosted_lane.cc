#include "worker/lane/internal/hosted_lane.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "worker/lane/internal/lane_loop.h"

namespace streamml::lane::internal {
namespace {

constexpr int64_t kLookUs = 10'000;         // how soon an order is seen
constexpr size_t kRecordsAtOnce = 64;       // of a journal that is followed
constexpr int64_t kMinRetryUs = 100'000;    // before a lane that failed is opened again
constexpr int64_t kMaxRetryUs = 5'000'000;  // doubles up to this
constexpr int64_t kBusyWindowUs = 1'000'000;

// Comes back by itself: brokers return, and who was shut out by a stale owner has the better claim.
bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsAborted(status) || absl::IsCancelled(status);
}

}  // namespace

HostedLane::HostedLane(LaneHost& host, uint32_t index) : host_(host), index_(index) {
  facts_.lane = index;
  thread_ = std::thread([this] { Run(); });
}

HostedLane::~HostedLane() {
  Stop();
  Join();
}

void HostedLane::Join() {
  if (thread_.joinable()) thread_.join();
}

void HostedLane::Order(uint64_t epoch, Role role) {
  const MutexLock lock(mutex_);
  wish_.epoch = epoch;
  wish_.role = role;
  facts_.epoch = epoch;
  ordered_.NotifyAll();
}

void HostedLane::Stop() {
  const MutexLock lock(mutex_);
  wish_.role = Role::kNone;
  wish_.stop = true;
  ordered_.NotifyAll();
}

HostedLane::Wish HostedLane::wish() const {
  const MutexLock lock(mutex_);
  return wish_;
}

LaneFacts HostedLane::Facts() const {
  const MutexLock lock(mutex_);
  return facts_;
}

void HostedLane::Enter(Phase phase, bool caught_up) {
  {
    const MutexLock lock(mutex_);
    if (facts_.phase == phase && facts_.caught_up == caught_up) return;
    facts_.phase = phase;
    facts_.caught_up = caught_up;
    if (phase == Phase::kRunning || phase == Phase::kFollowing) facts_.problem = absl::OkStatus();
    if (phase != Phase::kRunning) facts_.busy = 0;
  }
  host_.NoteChange();
}

void HostedLane::Publish() {
  LaneProgress progress = ProgressOf(*lane_);
  const MutexLock lock(mutex_);
  facts_.progress = std::move(progress);
}

void HostedLane::MeasureBusy(int64_t waited_us) {
  const int64_t now = host_.clock_.MonotonicMicroseconds();
  if (now - busy_since_ < kBusyWindowUs) return;
  const double waited = static_cast<double>(waited_us - waited_then_);
  const double busy = 1 - waited / static_cast<double>(now - busy_since_);
  busy_since_ = now;
  waited_then_ = waited_us;
  const MutexLock lock(mutex_);
  facts_.busy = std::clamp(busy, 0.0, 1.0);
}

void HostedLane::SleepUnlessChanged(uint64_t epoch, int64_t timeout_us) {
  const MutexLock lock(mutex_);
  const auto changed = [&] {
    return wish_.stop || wish_.epoch != epoch || wish_.role == Role::kNone;
  };
  const int64_t end = host_.clock_.MonotonicMicroseconds() + timeout_us;
  while (!changed()) {
    const int64_t left = end - host_.clock_.MonotonicMicroseconds();
    if (left <= 0) return;
    ordered_.WaitFor(mutex_, left);
  }
}

void HostedLane::Run() {
  while (true) {
    const Wish wanted = wish();
    if (wanted.role == Role::kNone) {
      lane_ = nullptr;
      snapshots_ = nullptr;
      Enter(Phase::kReleased);
      if (wanted.stop) return;
      const MutexLock lock(mutex_);
      while (!wish_.stop && wish_.role == Role::kNone) ordered_.WaitFor(mutex_, kMaxRetryUs);
      continue;
    }
    acted_epoch_ = wanted.epoch;
    const absl::Status status = Serve();
    if (!status.ok() && wish().role != Role::kNone) Retreat(status);
  }
}

// Until the lane is not wanted any more, or its role goes from one to another.
absl::Status HostedLane::Serve() {
  if (lane_ == nullptr) RETURN_IF_ERROR(Open());
  RETURN_IF_ERROR(FollowUntilOwner());
  const Wish wanted = wish();
  if (wanted.role != Role::kOwn) return absl::OkStatus();
  RETURN_IF_ERROR(Own(wanted.epoch));
  RETURN_IF_ERROR(RunUntilLetGo());
  failures_ = 0;
  return absl::OkStatus();
}

absl::Status HostedLane::Open() {
  Enter(Phase::kRestoring);
  const StopFunction stop = [this] { return wish().role == Role::kNone; };
  ASSIGN_OR_RETURN(snapshots_, host_.factory_.snapshots(index_));
  ASSIGN_OR_RETURN(LaneSpec spec, host_.factory_.spec(index_, stop));
  std::vector<std::string> notes;
  auto lane = Lane::Follow(std::move(spec), host_.factory_.environment(*snapshots_, stop), notes);
  for (const std::string& note : notes) host_.note_(note);
  RETURN_IF_ERROR(lane.status());
  lane_ = *std::move(lane);
  return absl::OkStatus();
}

absl::Status HostedLane::FollowUntilOwner() {
  bool has_caught_up = false;
  while (wish().role == Role::kFollow || (!has_caught_up && wish().role == Role::kOwn)) {
    const uint64_t seen = host_.log_.version();
    ASSIGN_OR_RETURN(const bool progress, lane_->CatchUp(kRecordsAtOnce));
    has_caught_up = has_caught_up || !progress;
    if (has_caught_up) Enter(Phase::kFollowing, /*caught_up=*/!progress);
    if (progress) continue;
    Publish();
    failures_ = 0;
    if (wish().role == Role::kFollow) host_.log_.WaitForCommit(seen, kLookUs);
  }
  return absl::OkStatus();
}

absl::Status HostedLane::Own(uint64_t epoch) {
  Enter(Phase::kTaking);
  std::vector<std::string> notes;
  const absl::Status status = lane_->TakeOver(epoch, notes);
  for (const std::string& note : notes) host_.note_(note);
  RETURN_IF_ERROR(status);
  return lane_->Claim();
}

absl::Status HostedLane::RunUntilLetGo() {
  LaneLoop loop(*lane_, host_.log_, host_.clock_, host_.options_, [this] { Publish(); });
  busy_since_ = host_.clock_.MonotonicMicroseconds();
  waited_then_ = 0;
  Publish();
  Enter(lane_->finished() ? Phase::kFinished : Phase::kRunning);
  Wish wanted = wish();
  for (; wanted.role == Role::kOwn; wanted = wish()) {
    if (lane_->finished()) {
      Enter(Phase::kFinished);
      SleepUnlessChanged(wanted.epoch, kMaxRetryUs);
      continue;
    }
    bool idle = false;
    RETURN_IF_ERROR(loop.Step(kLookUs, idle));
    MeasureBusy(loop.waited_us());
  }
  if (wanted.stop) {
    RETURN_IF_ERROR(lane_->Stop());
    Publish();
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(lane_->LetGo());
  Publish();
  // Said before the lane is taken apart: that may take a while, and whoever is next need not wait.
  if (wanted.role == Role::kNone) Enter(Phase::kReleased);
  return absl::OkStatus();
}

// After an error: what was under way is dropped, and is opened again where that can help.
void HostedLane::Retreat(const absl::Status& status) {
  lane_ = nullptr;
  snapshots_ = nullptr;
  {
    const MutexLock lock(mutex_);
    facts_.problem = status;
  }
  host_.note_(std::string(status.message()));
  if (!MayPass(status)) {
    Enter(Phase::kFailed);
    while (wish().epoch == acted_epoch_ && wish().role != Role::kNone) {
      SleepUnlessChanged(acted_epoch_, kMaxRetryUs);
    }
    return;
  }
  Enter(Phase::kWaiting);
  // Two that shut each other out must not do so in step.
  const int64_t wait = std::min(kMaxRetryUs, kMinRetryUs << std::min(failures_++, 6));
  const int64_t jitter = host_.clock_.MonotonicMicroseconds() % (wait / 2);
  SleepUnlessChanged(acted_epoch_, wait / 2 + jitter);
}

}  // namespace streamml::lane::internal
