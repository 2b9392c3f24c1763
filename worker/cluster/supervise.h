// When a worker's process is started, asked to end and killed. Pure.
#pragma once

#include <cstdint>

namespace streamml::cluster {

// Times are of one clock that never goes back; 0: never.
struct ProcessView {
  bool running = false;
  int64_t started_us = 0;   // last
  int64_t heard_us = 0;     // last, since that start
  int64_t asked_us = 0;     // to end, since that start
  int64_t ended_us = 0;     // last
  uint32_t quick_ends = 0;  // in a row: ended by itself soon after its start
  bool in_use = false;      // ended because its folder was: the life before still ends
  bool was_up = false;      // answered in any of its lives
  // How long, as it told last, the lane of it has waited for brokers that has waited longest; and
  // the one that has waited least.
  int64_t stalled_us = 0;
  int64_t least_stalled_us = 0;
  int64_t committed_us = 0;  // when it last told of commits
};

enum class ProcessAct : uint8_t {
  kNothing,
  kStart,
  kAskToEnd,
  kKill,
  kForget,  // not wanted, and there is no process
};

// What the coordinator wants of a worker.
enum class ProcessWish : uint8_t {
  kRun,
  kLetGoFirst,  // not wanted any more, but it still holds lanes
  kEnd,
};

inline constexpr int64_t kSilentUs = 3'000'000;  // unheard for so long: its lanes go to others
inline constexpr int64_t kStuckUs = 10'000'000;  // unheard for so long: killed
inline constexpr int64_t kCutOffUs = 8'000'000;  // a lane waits for so long, while others commit
inline constexpr int64_t kAllStalledUs = 2'000'000;    // and all lanes beside it for so long
inline constexpr int64_t kCutOffPauseUs = 60'000'000;  // before somebody else may be cut off
inline constexpr int64_t kFreshUs = 2'000'000;         // of commits that show that brokers answer
inline constexpr int64_t kStartingUs = 20'000'000;     // so long a new worker is waited for
inline constexpr int64_t kEndingUs = 30'000'000;       // so long letting go may take
inline constexpr int64_t kQuickEndUs = 10'000'000;     // of a life that counts as a failed start
inline constexpr int64_t kSteadyUs = 5'000'000;  // up for so long after two of them: trusted again
inline constexpr int64_t kMinRestartUs = 100'000;  // after the second quick end; doubles
inline constexpr int64_t kMaxRestartUs = 10'000'000;
inline constexpr int64_t kPauseUs = 1'000'000;   // between two rounds: the coordinator stood still
inline constexpr int64_t kListenUs = 1'000'000;  // after that, before it decides anything

ProcessAct NextAct(const ProcessView& view, ProcessWish wish, int64_t now_us);
// It answers.
bool IsUp(const ProcessView& view, int64_t now_us);
// It answers, but ended by itself soon after its last starts: it gets lanes only once it has been
// up for a while, else they would come and go with it.
bool IsShaky(const ProcessView& view, int64_t now_us);
// It answers, but none of its lanes gets through to the brokers, and another worker does, which
// committed at `others_us`: later than this one stalled. When nobody does, nobody is better off
// elsewhere; and where brokers are slow for all, the lanes of a worker do not all stand still.
bool IsCutOff(const ProcessView& view, int64_t others_us, int64_t now_us);
// Its commits show that brokers can be reached.
bool GetsThrough(const ProcessView& view, int64_t now_us);
// It has not answered yet, in its first life, and will soon.
bool IsStarting(const ProcessView& view, int64_t now_us);

// Nobody listened for `pause_us`: that nothing was heard meanwhile says nothing of the worker.
void Excuse(ProcessView& view, int64_t pause_us);

// Notices that the coordinator itself stood still. What it knows is old then, and others may have
// done its work: it listens before it decides.
class Rounds {
 public:
  // At the begin of each round; how long the coordinator stood still before it, mostly 0.
  int64_t Begin(int64_t now_us);
  // Also when each round is as slow as a pause, every other one may.
  bool MayDecide(int64_t now_us) const { return now_us >= listen_until_us_; }

 private:
  int64_t began_us_ = 0;
  int64_t listen_until_us_ = 0;
};

}  // namespace streamml::cluster
