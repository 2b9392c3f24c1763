#include "worker/lane/internal/hosted_lane.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "worker/lane/internal/lane_loop.h"

namespace streamml::lane::internal {
namespace {

constexpr int64_t kLookUs = 10'000;                // how soon an order is seen
constexpr uint64_t kRecordsAtOnce = 16;            // of a journal that is followed
constexpr int64_t kPublishIntervalUs = 200'000;    // of who follows
constexpr int64_t kMinRetryUs = 100'000;           // before a lane that waits is opened again
constexpr int64_t kMaxRetryUs = 5'000'000;         // doubles up to this
constexpr int64_t kMaxFailedRetryUs = 60'000'000;  // the same of a lane that failed
constexpr int64_t kSteadyUs = 10'000'000;          // a lane that ran so long is as good as new
constexpr int64_t kBusyWindowUs = 1'000'000;
constexpr int kMaxDoublings = 16;

// What can end a failure.
enum class Remedy : uint8_t { kTime, kPerhapsTime, kPerson };

Remedy RemedyOf(const absl::Status& status) {
  switch (status.code()) {
    // Brokers return, and who was shut out by a stale owner has the better claim.
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
      return Remedy::kTime;
    // What was committed is not there any more, is another job's, or of another fingerprint; the
    // job does not take this input. To try again would only repeat it, or hide it.
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
      return Remedy::kPerson;
    // A full disk, a topic or a right that is missing: somebody may mend it without telling us.
    default:
      return Remedy::kPerhapsTime;
  }
}

int64_t Doubled(int64_t first_us, int times, int64_t most_us) {
  const int64_t wait_us = first_us << std::min(times, kMaxDoublings);
  return std::clamp<int64_t>(wait_us, 2, most_us);
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

// A lane that runs is never long in one step, unless the log does not answer. One that is restored
// may be long without that.
LaneFacts HostedLane::Facts() const {
  const int64_t got_on = got_on_us_.load();
  const int64_t now = host_.clock_.MonotonicMicroseconds();
  const MutexLock lock(mutex_);
  LaneFacts facts = facts_;
  const bool waits = facts.phase == Phase::kRunning || facts.phase == Phase::kWaiting;
  if (got_on > 0 && waits) facts.stalled_us = std::max<int64_t>(now - got_on, 0);
  return facts;
}

void HostedLane::Enter(Phase phase, bool caught_up) {
  {
    const MutexLock lock(mutex_);
    if (facts_.phase == phase && facts_.caught_up == caught_up) return;
    facts_.phase = phase;
    facts_.caught_up = caught_up;
    if (phase == Phase::kFollowing || phase == Phase::kReleased) got_on_us_.store(0);
    if (phase == Phase::kRunning || phase == Phase::kFollowing) facts_.problem = absl::OkStatus();
    if (phase != Phase::kRunning) facts_.busy = 0;
    ordered_.NotifyAll();
  }
  host_.NoteChange();
}

void HostedLane::Publish() {
  LaneProgress progress = ProgressOf(*lane_);
  const int64_t now = host_.clock_.MonotonicMicroseconds();
  const MutexLock lock(mutex_);
  facts_.progress = std::move(progress);
  facts_.looked_us = now;
}

bool HostedLane::Runs() const {
  return facts_.phase == Phase::kRunning || facts_.phase == Phase::kFinished;
}

absl::Status HostedLane::DoesNotRun(uint32_t lane) {
  return absl::FailedPreconditionError(absl::StrCat("lane ", lane, " does not run here"));
}

HostedLane::SnapshotTicket HostedLane::AskSnapshot(SnapshotExport take) {
  const MutexLock lock(mutex_);
  if (!Runs()) return 0;
  if (take) exports_.push_back(std::move(take));
  ordered_.NotifyAll();
  return ++snapshot_asked_;
}

absl::StatusOr<uint64_t> HostedLane::AwaitSnapshot(SnapshotTicket ticket, int64_t end_us) {
  const MutexLock lock(mutex_);
  while (ticket > 0) {
    if (snapshot_done_ >= ticket) return snapshot_sequence_;
    if (!Runs()) break;
    const int64_t left = end_us - host_.clock_.MonotonicMicroseconds();
    if (left <= 0) {
      return absl::UnavailableError(
          absl::StrCat("the snapshot of lane ", index_, " is not done in time"));
    }
    ordered_.WaitFor(mutex_, left);
  }
  return DoesNotRun(index_);
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

bool HostedLane::HasChanged(uint64_t epoch) const {
  return wish_.stop || wish_.epoch != epoch || wish_.role == Role::kNone ||
         (facts_.phase == Phase::kFinished && snapshot_asked_ > snapshot_done_);
}

void HostedLane::SleepUnlessChanged(uint64_t epoch, int64_t timeout_us) {
  const MutexLock lock(mutex_);
  const int64_t end = host_.clock_.MonotonicMicroseconds() + timeout_us;
  while (!HasChanged(epoch)) {
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
      Enter(Phase::kReleased);
      if (wanted.stop) FinishUploads();
      snapshots_ = nullptr;
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

// The lane is let go already, and nobody who takes it waits for this; but it may be all that a
// machine leaves behind.
void HostedLane::FinishUploads() {
  state::Uploads* uploads = snapshots_ == nullptr ? nullptr : snapshots_->uploads();
  if (uploads == nullptr) return;
  uploads->FinishUploads(host_.options_.finish_uploads_us);
  const state::UploadStatus status = uploads->upload_status();
  {
    const MutexLock lock(mutex_);
    facts_.progress.uploads = status;
  }
  if (status.num_pending == 0) return;
  host_.note_(absl::StrCat("lane ", index_, ": its last ", status.num_pending,
                           " snapshot(s) are on this machine only",
                           status.problem.empty() ? "" : ": ", status.problem));
}

// Until the lane is not wanted any more, or its role goes from one to another.
absl::Status HostedLane::Serve() {
  if (lane_ == nullptr) RETURN_IF_ERROR(Open());
  RETURN_IF_ERROR(FollowUntilOwner());
  const Wish wanted = wish();
  if (wanted.role != Role::kOwn) return absl::OkStatus();
  const absl::Status outdated =
      Annotate(lane_->CheckAssignment(wanted.epoch), absl::StrCat("lane ", lane_->spec().name));
  if (!outdated.ok()) {
    AwaitNewerAssignment(wanted.epoch, outdated);
    return absl::OkStatus();
  }
  if (lane_->IsContested(wanted.epoch)) {
    const MutexLock lock(mutex_);
    facts_.contested_epoch = wanted.epoch;
  }
  RETURN_IF_ERROR(Own(wanted.epoch));
  RETURN_IF_ERROR(RunUntilLetGo());
  failures_ = 0;
  return absl::OkStatus();
}

// What was restored is kept: a coordinator that lost its memory learns the epoch of the last claim
// from here, and the next assignment may give the lane to this worker again.
void HostedLane::AwaitNewerAssignment(uint64_t epoch, const absl::Status& outdated) {
  Publish();
  {
    const MutexLock lock(mutex_);
    facts_.problem = outdated;
  }
  host_.note_(std::string(outdated.message()));
  Enter(Phase::kWaiting);
  while (wish().epoch == epoch && wish().role == Role::kOwn) {
    SleepUnlessChanged(epoch, kMaxRetryUs);
  }
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

// Who follows has caught up while each look finds less than a batch of records, which are read in
// milliseconds: with an owner that commits all the time there is hardly ever nothing new, and a
// fact that changed with each of its commits would tell nothing, and wake all who observe.
absl::Status HostedLane::FollowUntilOwner() {
  bool has_caught_up = false;
  int64_t last_publish = 0;
  while (wish().role == Role::kFollow || (!has_caught_up && wish().role == Role::kOwn)) {
    const uint64_t seen = host_.log_.version();
    const uint64_t before = lane_->journal_sequence();
    ASSIGN_OR_RETURN(const bool progress, lane_->CatchUp(kRecordsAtOnce));
    const bool is_behind = lane_->journal_sequence() - before >= kRecordsAtOnce;
    const int64_t now = host_.clock_.MonotonicMicroseconds();
    if (now - last_publish >= kPublishIntervalUs) {
      Publish();
      last_publish = now;
    }
    has_caught_up = has_caught_up || !is_behind;
    if (has_caught_up) Enter(Phase::kFollowing, /*caught_up=*/!is_behind);
    if (wish().role != Role::kFollow) continue;
    if (!is_behind) failures_ = 0;
    if (!progress) host_.log_.WaitForCommit(seen, kLookUs);
  }
  return absl::OkStatus();
}

absl::Status HostedLane::Own(uint64_t epoch) {
  Enter(Phase::kTaking);
  std::vector<std::string> notes;
  const absl::Status status = lane_->TakeOver(epoch, notes);
  for (const std::string& note : notes) host_.note_(note);
  if (!status.ok()) {
    const MutexLock lock(mutex_);
    facts_.progress.claimed_assignment = lane_->claimed_assignment();
  }
  RETURN_IF_ERROR(status);
  return lane_->Claim();
}

absl::Status HostedLane::RunUntilLetGo() {
  const int64_t since = host_.clock_.MonotonicMicroseconds();
  const absl::Status status = RunWhileOwner();
  if (host_.clock_.MonotonicMicroseconds() - since >= kSteadyUs) failures_ = 0;
  RETURN_IF_ERROR(status);
  return LetGo();
}

absl::Status HostedLane::RunWhileOwner() {
  LaneLoop loop(*lane_, host_.log_, host_.clock_, host_.options_, [this] { Publish(); });
  busy_since_ = host_.clock_.MonotonicMicroseconds();
  waited_then_ = 0;
  taking_ = 0;
  {
    const MutexLock lock(mutex_);
    exports_.clear();  // whoever asked for them was told that the lane was let go
  }
  Publish();
  Enter(lane_->finished() ? Phase::kFinished : Phase::kRunning);
  for (Wish wanted = wish(); wanted.role == Role::kOwn; wanted = wish()) {
    got_on_us_.store(host_.clock_.MonotonicMicroseconds());
    ServeSnapshots(loop);
    if (lane_->finished()) {
      Enter(Phase::kFinished);
      got_on_us_.store(0);
      SleepUnlessChanged(wanted.epoch, kMaxRetryUs);
      continue;
    }
    bool idle = false;
    RETURN_IF_ERROR(loop.Step(kLookUs, idle));
    if (lane_->finished()) Publish();
    MeasureBusy(loop.waited_us());
  }
  return absl::OkStatus();
}

absl::Status HostedLane::LetGo() {
  const Wish wanted = wish();
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

// One snapshot answers all who have asked before it began.
void HostedLane::ServeSnapshots(LaneLoop& loop) {
  SnapshotTicket asked = 0;
  std::vector<SnapshotExport> exports;
  {
    const MutexLock lock(mutex_);
    if (snapshot_asked_ > snapshot_done_) asked = snapshot_asked_;
    if (asked > 0 && taking_ == 0) exports.swap(exports_);
  }
  if (asked == 0) return;
  if (lane_->finished()) return NoteSnapshots(asked);  // the end of a lane has one
  if (taking_ == 0) {
    taking_ = asked;
    loop.WantSnapshot(std::move(exports));
  } else if (!loop.snapshot_wanted() && !lane_->snapshot_under_way()) {
    NoteSnapshots(std::exchange(taking_, 0));
  }
}

void HostedLane::NoteSnapshots(SnapshotTicket ticket) {
  const MutexLock lock(mutex_);
  snapshot_done_ = ticket;
  snapshot_sequence_ = lane_->snapshot_sequence();
  facts_.progress.snapshot_sequence = snapshot_sequence_;
  ordered_.NotifyAll();
}

// After an error: what was under way is dropped, and is opened again where that can help.
void HostedLane::Retreat(const absl::Status& status) {
  lane_ = nullptr;
  snapshots_ = nullptr;
  bool is_new = false;
  {
    const MutexLock lock(mutex_);
    is_new = std::exchange(facts_.problem, status) != status;
  }
  if (is_new) host_.note_(std::string(status.message()));
  // Who cannot even be opened waits for brokers since it was tried first.
  const bool is_stalled = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  if (!is_stalled) got_on_us_.store(0);
  if (is_stalled && got_on_us_.load() == 0) {
    got_on_us_.store(host_.clock_.MonotonicMicroseconds());
  }
  const Remedy remedy = RemedyOf(status);
  Enter(remedy == Remedy::kTime ? Phase::kWaiting : Phase::kFailed);
  if (remedy == Remedy::kPerson) {
    while (wish().epoch == acted_epoch_ && wish().role != Role::kNone) {
      SleepUnlessChanged(acted_epoch_, kMaxRetryUs);
    }
    return;
  }
  const int64_t wait = remedy == Remedy::kTime
                           ? Doubled(kMinRetryUs, failures_, kMaxRetryUs)
                           : Doubled(host_.options_.retry_us, failures_, kMaxFailedRetryUs);
  ++failures_;
  // Two that shut each other out must not do so in step.
  const int64_t jitter = host_.clock_.MonotonicMicroseconds() % (wait / 2);
  SleepUnlessChanged(acted_epoch_, wait / 2 + jitter);
}

}  // namespace streamml::lane::internal
