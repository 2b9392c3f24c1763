// The commands. Each prints for people and returns the exit code of the process.
#pragma once

#include "base/disk.h"
#include "worker/cli/command_line.h"

namespace streamml::cli {

// `disk` holds the data folder; RocksDB reads and writes its own files beside it.
int RunJob(const CommandLine& line, Disk& disk);
int ValidateJob(const CommandLine& line);
int ExplainJob(const CommandLine& line);
int ReplayJob(const CommandLine& line, Disk& disk);
int RunCluster(const CommandLine& line, Disk& disk);
int Savepoint(const CommandLine& line, Disk& disk);
int PrintVersion();

// The command that the line names.
int RunCommand(const CommandLine& line, Disk& disk);

}  // namespace streamml::cli
