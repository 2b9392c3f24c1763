// SIGTERM, SIGINT and SIGHUP as a wish to stop.
#pragma once

namespace streamml::cli {

enum class SecondSignal { kInterruptEndsAtOnce, kEndsAtOnce };

// From now on the first signal is kept for StopRequested(); a second one, given at least 0.3 s
// after the first (a terminal and a wrapper may both send one), ends the process at once, if it is
// a SIGINT or any may. Another SIGTERM or SIGHUP does nothing.
void CatchStopSignals(SecondSignal second = SecondSignal::kInterruptEndsAtOnce);

// A signal has come. Any thread.
bool StopRequested();

// A signal came three seconds ago or earlier: what still waits for others is to give up. Any
// thread.
bool StopOverdue();

}  // namespace streamml::cli
