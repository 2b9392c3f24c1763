#include "worker/state/store/internal/upload_queue.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace streamml::state {
namespace {

constexpr size_t kMaxKnown = 65'536;
constexpr int64_t kFirstRetryUs = 5'000'000;
constexpr int64_t kLastRetryUs = 60'000'000;
constexpr int64_t kLongestWaitUs = 60'000'000;

int64_t RetryMicroseconds(int num_failures) {
  return std::min(kLastRetryUs, kFirstRetryUs << std::min(num_failures - 1, 10));
}

}  // namespace

UploadQueue::UploadQueue(LaneStore& store, Disk& disk, Clock& clock,
                         const StoredSnapshotsOptions& options)
    : clock_(clock),
      options_(options),
      uploader_(store, disk, clock, options.grace_us, [this] { return stop_.load(); }),
      collector_(store, clock, options.grace_us) {
  const MutexLock lock(mutex_);
  retention_.num_kept = options.num_kept;
  next_collect_us_ = clock.MonotonicMicroseconds() + options.grace_us / 8;
}

UploadQueue::~UploadQueue() {
  stop_.store(true);
  {
    const MutexLock lock(mutex_);
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void UploadQueue::Offer(LocalSnapshot snapshot) {
  const MutexLock lock(mutex_);
  const int64_t now_us = clock_.MonotonicMicroseconds();
  if (status_.num_pending++ == 0) status_.since_us = now_us;
  if (num_behind_++ == 0) behind_since_us_ = now_us;
  waiting_ = std::move(snapshot);
  if (options_.uploads == StoredSnapshotsOptions::Uploads::kThread && !has_thread_) {
    has_thread_ = true;
    thread_ = std::thread([this] { Run(); });
  }
  changed_.NotifyAll();
}

// Saving one position again is no sign of a commit.
void UploadQueue::NoteSaved(uint64_t sequence) {
  const MutexLock lock(mutex_);
  if (retention_.num_saved > 0 && sequence <= last_saved_) return;
  last_saved_ = sequence;
  ++retention_.num_saved;
}

void UploadQueue::NoteLetGo() {
  const MutexLock lock(mutex_);
  retention_.num_saved = 0;
  retention_.forgotten_from.reset();
  status_.newest.reset();
}

void UploadQueue::TellProblem(const absl::Status& problem) {
  const MutexLock lock(mutex_);
  if (status_.num_pending++ == 0) status_.since_us = clock_.MonotonicMicroseconds();
  status_.problem = std::string(problem.message());
}

std::vector<SnapshotKey> UploadQueue::InUse() const {
  const MutexLock lock(mutex_);
  std::vector<SnapshotKey> keys;
  if (current_.has_value()) keys.push_back(*current_);
  if (waiting_.has_value()) keys.push_back(waiting_->info.key);
  return keys;
}

void UploadQueue::Forget(uint64_t from, std::optional<SnapshotKey> known) {
  const MutexLock lock(mutex_);
  retention_.forgotten_from = from;
  retention_.num_saved = 0;
  std::erase_if(retention_.known, [&](const SnapshotKey& key) { return key.sequence >= from; });
  if (known.has_value()) retention_.known.push_back(*known);
  if (!waiting_.has_value() || retention_.Shows(waiting_->info.key)) return;
  waiting_.reset();
  status_.num_pending = 0;
  num_behind_ = 0;
}

void UploadQueue::Keep(std::vector<SnapshotKey> keys) {
  const MutexLock lock(mutex_);
  retention_.kept = std::move(keys);
}

Retention UploadQueue::retention() const {
  const MutexLock lock(mutex_);
  return retention_;
}

UploadStatus UploadQueue::status() const {
  const MutexLock lock(mutex_);
  UploadStatus status = status_;
  status.current = current_;
  return status;
}

void UploadQueue::Finish(int64_t timeout_us) {
  if (options_.uploads == StoredSnapshotsOptions::Uploads::kByHand) {
    UploadNow().IgnoreError();  // the status tells
    return;
  }
  const int64_t end_us = clock_.MonotonicMicroseconds() + timeout_us;
  const MutexLock lock(mutex_);
  const int num_failures = num_failures_;
  hurry_ = true;
  changed_.NotifyAll();
  while (waiting_.has_value() || current_.has_value()) {
    const int64_t left_us = end_us - clock_.MonotonicMicroseconds();
    if (left_us <= 0 || num_failures_ > num_failures) break;
    changed_.WaitFor(mutex_, left_us);
  }
  hurry_ = false;
}

bool UploadQueue::IsUploadDue(int64_t now_us) const {
  return waiting_.has_value() && (hurry_ || now_us >= next_upload_us_);
}

bool UploadQueue::AwaitWork() {
  const MutexLock lock(mutex_);
  while (!stop_.load()) {
    const int64_t now_us = clock_.MonotonicMicroseconds();
    if (IsUploadDue(now_us) || now_us >= next_collect_us_) return true;
    int64_t until_us = next_collect_us_;
    if (waiting_.has_value()) until_us = std::min(until_us, next_upload_us_);
    changed_.WaitFor(mutex_, std::clamp<int64_t>(until_us - now_us, 0, kLongestWaitUs));
  }
  return false;
}

void UploadQueue::Run() {
  while (AwaitWork()) {
    bool upload = false;
    bool collect = false;
    {
      const MutexLock lock(mutex_);
      const int64_t now_us = clock_.MonotonicMicroseconds();
      upload = IsUploadDue(now_us);
      collect = now_us >= next_collect_us_;
      if (collect) next_collect_us_ = now_us + options_.grace_us / 8;
    }
    if (upload) UploadOne().IgnoreError();  // the status tells
    if (collect) Collect().IgnoreError();   // what stays is found again by the next look
  }
}

absl::Status UploadQueue::UploadOne() {
  std::optional<LocalSnapshot> snapshot;
  {
    const MutexLock lock(mutex_);
    if (!waiting_.has_value()) return absl::OkStatus();
    snapshot = std::exchange(waiting_, std::nullopt);
    const SnapshotKey& key = snapshot->info.key;
    current_ = key;
    num_behind_ = 0;
    next_upload_us_ = clock_.MonotonicMicroseconds() + options_.upload_interval_us;
    // Before it is there: after an error nobody knows.
    if (!retention_.Knows(key)) retention_.known.push_back(key);
    if (retention_.known.size() > kMaxKnown) retention_.known.erase(retention_.known.begin());
  }
  absl::Status status = uploader_.Upload(*snapshot);
  NoteResult(*std::move(snapshot), status);
  return status;
}

void UploadQueue::NoteResult(LocalSnapshot snapshot, const absl::Status& status) {
  const MutexLock lock(mutex_);
  const SnapshotKey key = snapshot.info.key;
  current_.reset();
  changed_.NotifyAll();
  if (status.ok()) {
    status_.num_pending = num_behind_;
    status_.since_us = behind_since_us_;
    status_.problem.clear();
    status_.newest = key;
    ++status_.num_uploaded;
    num_failures_ = 0;
    return;
  }
  status_.problem = std::string(status.message());
  ++num_failures_;
  next_upload_us_ = clock_.MonotonicMicroseconds() + RetryMicroseconds(num_failures_);
  // What is not on this disk any more was not to be kept; a newer one has taken the place of an
  // older one.
  const bool is_gone = absl::IsNotFound(status) || !retention_.Shows(key);
  if (!is_gone && !waiting_.has_value()) waiting_ = std::move(snapshot);
}

absl::Status UploadQueue::Collect() { return collector_.Collect(retention()); }

absl::Status UploadQueue::UploadNow() {
  RETURN_IF_ERROR(UploadOne());
  return Collect();
}

}  // namespace streamml::state
