// The flags of the streamml command as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace streamml::cli {

enum class Command : uint8_t { kRun, kValidate, kExplain, kReplay, kCluster, kSavepoint, kVersion };

// What `cluster` is to do: run one, or tell a running one.
enum class ClusterAction : uint8_t { kRun, kStatus, kResize, kUpgrade, kSnapshot, kStop };

enum class SavepointAction : uint8_t { kTake, kList, kRemove };

struct CommandLine {
  Command command = Command::kVersion;
  std::string job;                    // path of the manifest
  std::vector<std::string> bindings;  // NAME=FILE
  std::string data_dir;               // empty: the default of the job
  std::string summary;     // file for the summary as JSON; empty: none; "-": standard output
  std::string print_sink;  // sink whose rows are also printed
  bool replay_all = false;
  ClusterAction cluster_action = ClusterAction::kRun;
  uint32_t workers = 0;  // of a cluster
  std::string program;   // path of the streamml or streamml-worker to upgrade to
  SavepointAction savepoint_action = SavepointAction::kTake;
  std::string savepoint;  // its name
  std::string store;      // of savepoints; empty: the manifest's
  bool standby = false;
  bool json = false;
  uint64_t commit_rows = 0;
  int64_t commit_interval_us = 100'000;
  int64_t snapshot_interval_us = -1;  // -1: as the manifest says
  uint64_t state_memory = 0;          // bytes; 0: no bound
};

struct ParseResult {
  CommandLine line;
  std::optional<int>
      exit_code;  // set when the command is already done: help, or a mistake that was printed
};

// Prints help to standard output and mistakes to standard error.
ParseResult ParseCommandLine(int argc, const char* const* argv);

}  // namespace streamml::cli
