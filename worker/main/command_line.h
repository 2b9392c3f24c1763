// The flags of streamml-worker as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "worker/control/server.h"
#include "worker/lane/run.h"

namespace streamml::worker {

struct WorkerLine {
  control::ServerOptions server;
  std::string http;  // empty: no endpoints
  std::string data_dir;
  std::string name;
  int64_t grace_us = 25'000'000;
  uint64_t commit_rows = 0;
  int64_t commit_interval_us = 100'000;
  int64_t snapshot_interval_us = -1;  // -1: as the manifest says
  uint64_t state_memory = 0;          // bytes; 0: no bound
};

struct WorkerParse {
  WorkerLine line;
  std::optional<int> exit_code;  // set when all is done: help, or a mistake that was printed
};

// Prints help to standard output and mistakes to standard error.
WorkerParse ParseWorkerLine(int argc, const char* const* argv);

}  // namespace streamml::worker
