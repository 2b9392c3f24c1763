// Coordinator: what it sees of its workers.
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "worker/cluster/coordinator.h"
#include "worker/cluster/promises.h"

namespace streamml::cluster {
namespace {

constexpr int kFolderInUse = 4;  // exit code of a worker whose last life has not ended yet

std::string How(int result) {
  return result < 0 ? absl::StrCat("was ended by signal ", -result)
                    : absl::StrCat("ended with exit code ", result);
}

}  // namespace

void Coordinator::Look(const std::string& name, Worker& worker) {
  if (worker.process == nullptr) return;
  const std::optional<int> result = worker.process->Result();
  if (result.has_value()) return NoteEnd(name, worker, *result);
  if (std::optional<WorkerLink::Heard> heard = worker.link->TakeHeard()) {
    worker.view.heard_us = heard->time_us;
    worker.view.was_up = true;
    worker.observation = std::move(heard->observation);
    NoteStalls(worker.observation, worker.view);
    if (NoteCommits(worker)) worker.view.committed_us = heard->time_us;
    TellProblems(name, worker);
  }
  for (const std::string& line : worker.link->TakeNotes()) note_(absl::StrCat(name, ": ", line));
  const absl::Status refusal = worker.link->TakeRefusal();
  if (!refusal.ok()) worker.refusal = std::string(refusal.message());
  if (!refusal.ok() && !stopping_) {
    note_(absl::StrCat(name, " refused its assignment: ", refusal.message()));
  }
}

void Coordinator::NoteEnd(const std::string& name, Worker& worker, int result) {
  const int64_t now = clock_.MonotonicMicroseconds();
  const bool asked = worker.view.asked_us > 0;
  const bool in_use = result == kFolderInUse;
  if ((!asked || result != 0) && !(in_use && worker.view.in_use)) {
    note_(absl::StrCat(
        name, " (pid ", worker.process->pid(), ") ", How(result),
        result > 0 ? absl::StrCat("; its messages are in '", Folder(), "/workers/", name, ".log'")
                   : ""));
  }
  const bool quick = !asked && !in_use && now - worker.view.started_us < kQuickEndUs;
  worker.view.quick_ends = quick ? worker.view.quick_ends + 1 : 0;
  worker.view.in_use = in_use;
  worker.view.running = false;
  worker.view.heard_us = worker.view.asked_us = 0;
  worker.view.stalled_us = worker.view.least_stalled_us = worker.view.committed_us = 0;
  worker.view.ended_us = now;
  worker.link = nullptr;
  worker.process = nullptr;
  // One that was killed leaves it behind. Nobody needs it, so nothing is lost where it stays.
  disk_.Remove(absl::StrCat(Folder(), "/workers/", SocketName(name, worker.num_starts - 1)))
      .IgnoreError();
  worker.observation.Clear();
  worker.problems.clear();
  worker.refusal.clear();
}

void Coordinator::TellProblems(const std::string& name, Worker& worker) {
  std::map<uint32_t, std::string> problems;
  for (const fleet::v1::LaneFacts& lane : worker.observation.lanes()) {
    if (!lane.has_problem()) continue;
    const auto told = worker.problems.find(lane.lane());
    const bool is_told = told != worker.problems.end() && told->second == lane.problem().message();
    // One that is tried again has its problem until it runs.
    if (lane.phase() != fleet::v1::PHASE_FAILED && !is_told) continue;
    problems[lane.lane()] = lane.problem().message();
    if (is_told) continue;
    note_(absl::StrCat("lane ", lane.name(), " at ", name,
                       " has failed and waits for a person: ", lane.problem().message()));
  }
  worker.problems = std::move(problems);
}

// Whether a lane has got on since the observation before.
bool Coordinator::NoteCommits(Worker& worker) {
  bool got_on = false;
  std::map<uint32_t, uint64_t> positions;
  for (const fleet::v1::LaneFacts& lane : worker.observation.lanes()) {
    if (lane.phase() != fleet::v1::PHASE_RUNNING) continue;
    positions[lane.lane()] = lane.journal_position();
    const auto before = worker.positions.find(lane.lane());
    got_on =
        got_on || (before != worker.positions.end() && lane.journal_position() > before->second);
  }
  worker.positions = std::move(positions);
  return got_on;
}

// Who is cut off from the brokers, while others are not. One at a time, and not one after the other
// soon: where all is slow, lanes that go to and fro make it slower.
void Coordinator::FindCutOff() {
  const int64_t now = clock_.MonotonicMicroseconds();
  for (auto& [name, worker] : workers_) {
    int64_t others_us = 0;
    for (const auto& [other_name, other] : workers_) {
      const bool counts =
          other_name != name && IsWanted(other_name) && GetsThrough(other.view, now);
      if (counts) others_us = std::max(others_us, other.view.committed_us);
    }
    bool is_cut_off = IsUp(worker.view, now) && IsCutOff(worker.view, others_us, now);
    if (is_cut_off && !worker.is_cut_off) {
      is_cut_off = may_cut_off_us_ <= now;
      if (!is_cut_off) continue;
      may_cut_off_us_ = now + kCutOffPauseUs;
      note_(absl::StrCat(name, " has not got through to its brokers for ",
                         worker.view.stalled_us / 1'000'000,
                         " s, and others do: its lanes go to them"));
    }
    worker.is_cut_off = is_cut_off;
  }
}

decide::Observed Coordinator::Observe() const {
  const int64_t now = clock_.MonotonicMicroseconds();
  decide::Observed observed;
  for (const auto& [name, worker] : workers_) {
    if (worker.view.asked_us > 0) continue;       // it lets go by itself
    if (IsLeaving(worker.observation)) continue;  // likewise
    if (worker.is_cut_off) continue;              // it cannot let go
    if (IsUp(worker.view, now)) {
      decide::SeenWorker& seen = observed.up[name];
      seen = ToSeen(worker.observation, options_.job);
      seen.epoch = std::max(seen.epoch, worker.link->known_epoch());
    } else if (IsStarting(worker.view, now) || worker.num_starts == 0) {
      observed.starting.insert(name);
    }
  }
  return observed;
}

}  // namespace streamml::cluster
