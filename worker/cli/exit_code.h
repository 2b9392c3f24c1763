// Exit codes of the streamml command, and how an error is told.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace streamml::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;     // the world does not let us: disk full, not writable
inline constexpr int kExitUsage = 2;      // wrong usage, manifest or input
inline constexpr int kExitUntrusted = 3;  // stored data or inputs do not match what is journalled
inline constexpr int kExitOtherOwner =
    4;  // in use or taken over, or of another job, input or build

int ExitCode(const absl::Status& status);

// What to print for an error: its message with, where there is one, a sentence on what to do.
std::string ErrorText(const absl::Status& status);

// The exit code of a command that is done, after its last output has left: kExitFailed when
// standard output could not be written, unless the reader of a pipe has gone.
int ExitCodeAfterOutput(int exit_code);

// Prints the error to standard error and returns its exit code.
int Fail(const absl::Status& status);

}  // namespace streamml::cli
