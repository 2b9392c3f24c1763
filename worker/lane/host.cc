#include "worker/lane/host.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/lane/internal/hosted_lane.h"

namespace streamml::lane {

LaneHost::LaneHost(LaneFactory factory, log::Log& log, Clock& clock, RunOptions options,
                   std::function<void(const std::string& note)> note)
    : factory_(std::move(factory)),
      log_(log),
      clock_(clock),
      options_(options),
      note_(std::move(note)) {}

LaneHost::~LaneHost() { Stop(); }

absl::Status LaneHost::Assign(uint64_t epoch, const std::map<uint32_t, Role>& lanes) {
  const MutexLock lock(mutex_);
  if (stopped_) return absl::FailedPreconditionError("the worker is ending and takes no lanes");
  if (epoch < epoch_ || epoch == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "assignment ", epoch, " is out of date: this worker has had assignment ", epoch_));
  }
  if (epoch == epoch_) {
    if (lanes == wanted_) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        "assignment ", epoch, " has come before with other lanes; two coordinators at work?"));
  }
  epoch_ = epoch;
  wanted_ = lanes;
  for (const auto& [lane, role] : lanes) {
    std::unique_ptr<internal::HostedLane>& hosted = lanes_[lane];
    if (hosted == nullptr) hosted = std::make_unique<internal::HostedLane>(*this, lane);
  }
  for (const auto& [lane, hosted] : lanes_) {
    const auto found = lanes.find(lane);
    hosted->Order(epoch, found == lanes.end() ? Role::kNone : found->second);
  }
  return absl::OkStatus();
}

std::vector<LaneFacts> LaneHost::Facts() const {
  const MutexLock lock(mutex_);
  std::vector<LaneFacts> facts;
  facts.reserve(lanes_.size());
  for (const auto& [lane, hosted] : lanes_) facts.push_back(hosted->Facts());
  return facts;
}

uint64_t LaneHost::version() const {
  const MutexLock lock(mutex_);
  return version_;
}

void LaneHost::NoteChange() {
  const MutexLock lock(mutex_);
  ++version_;
  changed_.NotifyAll();
}

void LaneHost::AwaitChange(uint64_t seen, int64_t timeout_us) {
  const MutexLock lock(mutex_);
  const int64_t end = clock_.MonotonicMicroseconds() + timeout_us;
  while (version_ == seen) {
    const int64_t left = end - clock_.MonotonicMicroseconds();
    if (left <= 0) return;
    changed_.WaitFor(mutex_, left);
  }
}

absl::StatusOr<std::vector<LaneSnapshot>> LaneHost::Snapshot(const std::vector<uint32_t>& lanes,
                                                             int64_t timeout_us) {
  return Export(lanes, nullptr, timeout_us);
}

absl::StatusOr<std::vector<LaneSnapshot>> LaneHost::Export(const std::vector<uint32_t>& lanes,
                                                           const ExportMaker& take,
                                                           int64_t timeout_us) {
  const int64_t end_us = clock_.MonotonicMicroseconds() + timeout_us;
  std::vector<std::pair<internal::HostedLane*, internal::HostedLane::SnapshotTicket>> asked;
  std::vector<LaneSnapshot> taken;
  {
    const MutexLock lock(mutex_);
    for (const auto& [lane, hosted] : lanes_) {
      const bool is_named = std::find(lanes.begin(), lanes.end(), lane) != lanes.end();
      if (!is_named && !lanes.empty()) continue;
      const internal::HostedLane::SnapshotTicket ticket =
          hosted->AskSnapshot(take ? take(lane) : nullptr);
      if (ticket == 0 && !is_named) continue;
      asked.emplace_back(hosted.get(), ticket);
      taken.push_back({lane, 0});
    }
  }
  for (const uint32_t lane : lanes) {
    const bool is_ours = std::any_of(taken.begin(), taken.end(),
                                     [lane](const LaneSnapshot& s) { return s.lane == lane; });
    if (!is_ours) return internal::HostedLane::DoesNotRun(lane);
  }
  for (size_t i = 0; i < asked.size(); ++i) {
    ASSIGN_OR_RETURN(taken[i].sequence, asked[i].first->AwaitSnapshot(asked[i].second, end_us));
  }
  return taken;
}

// The threads of lanes report changes, which takes the mutex: they are awaited without it.
void LaneHost::Stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    for (const auto& [lane, hosted] : lanes_) hosted->Stop();
  }
  const MutexLock lock(stop_mutex_);
  for (internal::HostedLane* hosted : All()) hosted->Join();
}

std::vector<internal::HostedLane*> LaneHost::All() const {
  const MutexLock lock(mutex_);
  std::vector<internal::HostedLane*> all;
  all.reserve(lanes_.size());
  for (const auto& [lane, hosted] : lanes_) all.push_back(hosted.get());
  return all;
}

}  // namespace streamml::lane
