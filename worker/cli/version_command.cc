#include <csignal>
#include <iostream>

#include "worker/cli/commands.h"
#include "worker/cli/exit_code.h"
#include "worker/cli/revision.h"
#include "worker/lane/fingerprint.h"

namespace streamml::cli {

int PrintVersion() {
  std::cout << "streamml " << STREAMML_VERSION << "\n"
            << "revision     " << STREAMML_REVISION << "\n"
            << "fingerprint  " << lane::Fingerprint() << "\n"
            << "manifests    streamml.dev/v1alpha1\n"
            << "journal      version 1\n"
            << "time zones   UTC\n";
  return kExitDone;
}

int RunCommand(const CommandLine& line, Disk& disk) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader of our output who leaves must not end the job
  std::signal(SIGXFSZ, SIG_IGN);  // a file that must not grow is an error like a full disk
  switch (line.command) {
    case Command::kRun:
      return RunJob(line, disk);
    case Command::kValidate:
      return ValidateJob(line);
    case Command::kExplain:
      return ExplainJob(line);
    case Command::kReplay:
      return ReplayJob(line, disk);
    case Command::kSavepoint:
      return Savepoint(line, disk);
    case Command::kCluster:
      return RunCluster(line, disk);
    case Command::kVersion:
      return PrintVersion();
  }
  return kExitUsage;
}

}  // namespace streamml::cli
