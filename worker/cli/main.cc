// The streamml command.
#include "base/posix_disk.h"
#include "worker/cli/command_line.h"
#include "worker/cli/commands.h"
#include "worker/cli/exit_code.h"

int main(int argc, char** argv) {
  const streamml::cli::ParseResult parsed = streamml::cli::ParseCommandLine(argc, argv);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;
  const std::unique_ptr<streamml::Disk> disk = streamml::MakePosixDisk();
  return streamml::cli::ExitCodeAfterOutput(streamml::cli::RunCommand(parsed.line, *disk));
}
