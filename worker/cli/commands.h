// The commands. Each prints for people and returns the exit code of the process.
#pragma once

#include "worker/cli/command_line.h"

namespace streamml::cli {

int RunJob(const CommandLine& line);
int ValidateJob(const CommandLine& line);
int ExplainJob(const CommandLine& line);
int ReplayJob(const CommandLine& line);
int PrintVersion();

// The command that the line names.
int RunCommand(const CommandLine& line);

}  // namespace streamml::cli
