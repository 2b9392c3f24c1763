// streamml_killable: the streamml command on a disk that kills the process where the environment
// variable STREAMML_KILL says (see ParseKillPlan). For tests/kill/run; without the variable it is
// streamml.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

#include "base/posix_disk.h"
#include "tests/kill/killing_disk.h"
#include "worker/cli/command_line.h"
#include "worker/cli/commands.h"
#include "worker/cli/exit_code.h"

int main(int argc, char** argv) {
  const streamml::cli::ParseResult parsed = streamml::cli::ParseCommandLine(argc, argv);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;
  std::unique_ptr<streamml::Disk> disk = streamml::MakePosixDisk();
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet
  if (const char* text = std::getenv("STREAMML_KILL")) {
    auto plan = streamml::kill::ParseKillPlan(text);
    if (!plan.ok()) {
      std::cerr << "streamml_killable: " << plan.status().message() << "\n";
      return streamml::cli::kExitUsage;
    }
    disk = streamml::kill::MakeKillingDisk(std::move(disk), *std::move(plan));
  }
  return streamml::cli::RunCommand(parsed.line, *disk);
}
