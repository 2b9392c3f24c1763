#include "worker/cluster/supervise.h"

#include <algorithm>
#include <utility>

namespace streamml::cluster {
namespace {

int64_t RestartAt(const ProcessView& view) {
  if (view.in_use) return view.ended_us + kMinRestartUs;
  if (view.quick_ends < 2) return view.ended_us;  // the first time at once
  const uint32_t doublings = std::min(view.quick_ends - 2, 10U);
  return view.ended_us + std::min(kMaxRestartUs, kMinRestartUs << doublings);
}

}  // namespace

ProcessAct NextAct(const ProcessView& view, ProcessWish wish, int64_t now_us) {
  if (!view.running) {
    if (wish != ProcessWish::kRun) return ProcessAct::kForget;
    return now_us >= RestartAt(view) ? ProcessAct::kStart : ProcessAct::kNothing;
  }
  if (view.asked_us > 0) {
    return now_us - view.asked_us >= kEndingUs ? ProcessAct::kKill : ProcessAct::kNothing;
  }
  if (wish == ProcessWish::kEnd) return ProcessAct::kAskToEnd;
  const int64_t silent_since = std::max(view.started_us, view.heard_us);
  const int64_t patience = view.heard_us > 0 ? kStuckUs : kStartingUs;
  return now_us - silent_since >= patience ? ProcessAct::kKill : ProcessAct::kNothing;
}

bool IsUp(const ProcessView& view, int64_t now_us) {
  return view.running && view.heard_us > 0 && now_us - view.heard_us < kSilentUs;
}

bool IsShaky(const ProcessView& view, int64_t now_us) {
  return IsUp(view, now_us) && view.quick_ends >= 2 && now_us - view.started_us < kSteadyUs;
}

bool IsCutOff(const ProcessView& view, int64_t others_us, int64_t now_us) {
  const bool others_commit = others_us > 0 && now_us - others_us < kFreshUs;
  return view.stalled_us >= kCutOffUs && view.least_stalled_us >= kAllStalledUs && others_commit;
}

bool GetsThrough(const ProcessView& view, int64_t now_us) {
  return IsUp(view, now_us) && view.stalled_us < kAllStalledUs;
}

bool IsStarting(const ProcessView& view, int64_t now_us) {
  return view.running && !view.was_up && now_us - view.started_us < kStartingUs;
}

void Excuse(ProcessView& view, int64_t pause_us) {
  for (int64_t* since : {&view.started_us, &view.heard_us, &view.asked_us, &view.committed_us}) {
    if (*since > 0) *since += pause_us;
  }
}

int64_t Rounds::Begin(int64_t now_us) {
  const int64_t before_us = std::exchange(began_us_, now_us);
  if (before_us == 0 || now_us - before_us < kPauseUs) return 0;
  if (before_us >= listen_until_us_) listen_until_us_ = now_us + kListenUs;
  return now_us - before_us;
}

}  // namespace streamml::cluster
