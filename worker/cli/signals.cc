#include "worker/cli/signals.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <initializer_list>

namespace streamml::cli {
namespace {

constexpr int64_t kSecondSignalNs = 300'000'000;
constexpr int64_t kOverdueNs = 3'000'000'000;

// A handler can reach globals only; these are lock-free.
std::atomic<bool> stop_requested{false};
std::atomic<int64_t> first_signal_ns{0};
std::atomic<int64_t> first_interrupt_ns{0};
std::atomic<bool> any_ends{false};

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void OnSignal(int signal) {
  const int64_t now = NowNs();
  int64_t none = 0;
  first_signal_ns.compare_exchange_strong(none, now);
  stop_requested.store(true);
  if (any_ends.load()) {
    if (none != 0 && now - none >= kSecondSignalNs) _exit(128 + signal);
    return;
  }
  if (signal != SIGINT) return;
  int64_t first = 0;
  if (first_interrupt_ns.compare_exchange_strong(first, now)) return;
  if (now - first >= kSecondSignalNs) _exit(128 + SIGINT);
}

}  // namespace

void CatchStopSignals(SecondSignal second) {
  any_ends.store(second == SecondSignal::kEndsAtOnce);
  struct sigaction action{};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaction(signal, &action, nullptr);
}

bool StopRequested() { return stop_requested.load(); }

bool StopOverdue() { return StopRequested() && NowNs() - first_signal_ns.load() >= kOverdueNs; }

}  // namespace streamml::cli
