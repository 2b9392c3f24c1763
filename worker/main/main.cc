// The streamml-worker program.
#include <csignal>
#include <iostream>

#include "base/posix_disk.h"
#include "worker/cli/exit_code.h"
#include "worker/main/command_line.h"
#include "worker/main/serve.h"

int main(int argc, char** argv) {
  const streamml::worker::WorkerParse parsed = streamml::worker::ParseWorkerLine(argc, argv);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;
  std::signal(SIGPIPE, SIG_IGN);  // a caller who leaves must not end the worker
  std::signal(SIGXFSZ, SIG_IGN);  // a file that must not grow is an error like a full disk
  const std::unique_ptr<streamml::Disk> disk = streamml::MakePosixDisk();
  const absl::Status status = streamml::worker::Serve(parsed.line, *disk);
  if (status.ok()) return streamml::cli::kExitDone;
  std::cerr << "streamml-worker: " << streamml::cli::ErrorText(status) << "\n";
  return streamml::cli::ExitCode(status);
}
