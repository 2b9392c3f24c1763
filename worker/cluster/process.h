// A child process.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace streamml::cluster {

// Made and used by one thread, with which the child gets a SIGTERM.
class Process {
 public:
  // Starts `command` (its first word is a path) in a process group of its own, so that a terminal's
  // Ctrl-C is not for it; input from /dev/null, output and errors appended to `log_path`.
  // Of other descriptors it inherits `kept`, unless that is below 0.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const std::vector<std::string>& command,
                                                        const std::string& log_path, int kept);
  ~Process();  // kills it, and waits
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  int pid() const { return pid_; }
  // Its exit code, or minus the signal that ended it; nullopt while it runs.
  std::optional<int> Result();
  void Signal(int signal);

 private:
  explicit Process(int pid) : pid_(pid) {}
  const int pid_;
  std::optional<int> result_;
};

}  // namespace streamml::cluster
