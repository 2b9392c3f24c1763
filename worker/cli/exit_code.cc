#include "worker/cli/exit_code.h"

#include <sys/stat.h>
#include <unistd.h>

#include <iostream>

#include "base/status.h"

namespace streamml::cli {

int ExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitDone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
      return kExitUsage;
    case absl::StatusCode::kDataLoss:
      return kExitUntrusted;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:  // another process has taken the job over
      return kExitOtherOwner;
    default:
      return kExitFailed;
  }
}

std::string ErrorText(const absl::Status& status) {
  std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
      return absl::StrCat(
          message,
          "\nnothing that was committed is lost: free space (or what else has run out) and run "
          "the same command again, it goes on from there");
    case absl::StatusCode::kPermissionDenied:
      return absl::StrCat(
          message,
          "\nnothing that was committed is lost: give the right that is missing and run the same "
          "command again; where it is the data folder's, another --data-dir will do, too");
    case absl::StatusCode::kUnavailable:
      return absl::StrCat(
          message,
          "\nnothing that was committed is lost: run the same command again, it goes "
          "on from there");
    case absl::StatusCode::kInternal:
      return absl::StrCat(message, "\nthis is a mistake in StreamML, please report it");
    default:
      return message;
  }
}

int ExitCodeAfterOutput(int exit_code) {
  std::cout.flush();
  struct stat output{};
  const bool is_pipe = fstat(STDOUT_FILENO, &output) == 0 && S_ISFIFO(output.st_mode);
  if (std::cout || is_pipe) return exit_code;
  std::cerr << "streamml: standard output could not be written\n";
  return exit_code == kExitDone ? kExitFailed : exit_code;
}

int Fail(const absl::Status& status) {
  std::cerr << "streamml: " << ErrorText(status) << "\n";
  return ExitCode(status);
}

}  // namespace streamml::cli
