#include "tests/sim/disturbance.h"

#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::sim {
namespace {

using support::DiskAction;
using support::DiskOperation;

constexpr int kMaxLives = 7;
constexpr uint64_t kMaxActions = 200'000;

std::string EventOf(Phase phase) {
  return absl::StrCat("crash in ", phase == Phase::kAdvance ? "commit" : PhaseName(phase));
}

void NoteRecovery(const Process& process, std::set<std::string>& events) {
  for (const std::string& note : process.notes()) {
    if (absl::StrContains(note, "unfinished transaction")) events.insert("torn log tail cut");
    if (absl::StrContains(note, "uncommitted bytes")) events.insert("uncommitted output cut");
    if (absl::StrContains(note, "recovered from the snapshot"))
      events.insert("recovered from a snapshot");
  }
}

}  // namespace

absl::StatusOr<Outcome> Disturbance::Run(std::set<std::string>& events) {
  for (int life = 0; life < kMaxLives; ++life) {
    ASSIGN_OR_RETURN(const bool done, Live(life + 1 == kMaxLives, events));
    if (done) return std::move(outcome_);
  }
  return absl::InternalError("the last life did not end");
}

// Plans this life's fault: after how many changing disk operations it comes, and which.
void Disturbance::PlanFault(bool last) {
  fault_at_ =
      last ? UINT64_MAX : disk_.num_operations() + 1 + random_.Below(1 + random_.Below(400));
  fault_ = random_.OneIn(8) ? DiskAction::kFull : DiskAction::kStop;
  disk_.SetHook([this](const DiskOperation& operation) {
    const bool was_truncating = truncating_;
    truncating_ = operation.path.ends_with(".log") && operation.name == "remove";
    if (operation.number < fault_at_) return DiskAction::kProceed;
    if (operation.number > fault_at_)
      return fault_ == DiskAction::kFull ? fault_ : DiskAction::kProceed;
    struck_ = std::string(operation.name);
    struck_truncating_ = truncating_ || was_truncating;
    struck_phase_ = process_->phase();
    struck_under_way_ = process_->snapshot_under_way();
    return fault_;
  });
}

absl::StatusOr<bool> Disturbance::Live(bool last, std::set<std::string>& events) {
  struck_.clear();
  struck_truncating_ = false;
  // Clocks are set, also back.
  if (random_.OneIn(10)) keeping_.now_us += random_.Between(-50'000'000, 50'000'000);
  PlanFault(last);
  const uint64_t stop_after = random_.OneIn(5) ? random_.Below(150) : kMaxActions;
  process_ = std::make_unique<Process>(world_, disk_, random_, absl::StrCat("sim", fingerprint_),
                                       &keeping_);
  Process* const process = process_.get();
  process->BeginFrom(restore_);
  absl::Status status = process->Start();
  if (status.ok()) RETURN_IF_ERROR(process->CheckSnapshots());
  NoteRecovery(*process, events);
  bool stopped = false;
  for (uint64_t action = 0; status.ok() && !process->finished(); ++action) {
    if (action > kMaxActions) return absl::InternalError("no progress");
    stopped = action == stop_after && !last;
    status = stopped ? process->StopAll() : process->Act();
    if (stopped) break;
  }
  if (trace_) {
    std::printf("life: %s, phase %s, struck at '%s'\n", status.ToString().c_str(),
                PhaseName(process->phase()), struck_.c_str());
    for (const std::string& note : process->notes()) std::printf("  note: %s\n", note.c_str());
  }
  if (status.ok() && process->opened_truncated()) {
    events.insert("recovered behind a truncated beginning");
  }
  if (process->read_values_back()) events.insert("values read back from snapshots");
  if (process->committed_meanwhile()) events.insert("commit while a snapshot is under way");
  if (status.ok() && stopped) {
    events.insert("orderly stop");
    if (random_.OneIn(2)) {  // an upgrade
      ++fingerprint_;
      events.insert("fingerprint changed");
    }
  }
  if (status.ok() && !stopped) {
    disk_.SetHook(nullptr);
    outcome_ = process->Collect();
    RETURN_IF_ERROR(Annotate(process->ReplayAll(), "replay"));
    if (process->replayed_from_snapshot()) events.insert("replayed after a change");
    if (process->replayed_truncated()) events.insert("replayed behind a truncated beginning");
    return true;
  }
  if (!status.ok()) RETURN_IF_ERROR(NoteFault(status, events));
  process_.reset();
  disk_.SetHook(nullptr);
  // The machine may lose what was not synced, also after an orderly stop or a full disk; or only
  // the process died, and what it left unsynced is lost by a later crash, or never.
  if (random_.OneIn(2)) {
    disk_.Kill();
    events.insert("process killed, machine lives");
  } else {
    disk_.Crash(random_);
    events.insert("power cut");
  }
  return false;
}

// A fault of the disk ends a life; anything else is a mistake of ours, and returned.
absl::Status Disturbance::NoteFault(const absl::Status& status,
                                    std::set<std::string>& events) const {
  if (struck_.empty()) return status;
  if (fault_ == DiskAction::kFull) {
    if (!absl::IsResourceExhausted(status)) return Annotate(status, "disk full reported as");
    events.insert("disk full");
    return absl::OkStatus();
  }
  events.insert(EventOf(struck_phase_));
  if (restore_ != nullptr && struck_phase_ == Phase::kRecovery) {
    events.insert("crash while a savepoint is restored");
  }
  if (struck_truncating_) events.insert("crash while the log is truncated");
  if (struck_under_way_) events.insert("crash while a snapshot is under way");
  for (const char* name : {"rename", "sync", "append"}) {
    if (struck_ == name)
      events.insert(absl::StrCat("crash in a", name[0] == 'a' ? "n " : " ", name));
  }
  return absl::OkStatus();
}

}  // namespace streamml::sim
