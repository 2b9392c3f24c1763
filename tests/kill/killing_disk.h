// A real disk that kills its own process, by SIGKILL, at a chosen operation: the instant is seeded
// and its phase known, and the death is as real as that of any other kill -9.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/disk.h"

namespace streamml::kill {

// What a process was doing, told from the files it touches. Its recovery lasts from taking the lock
// of the log until its last lane has written a claim.
enum class Phase : uint8_t {
  kRecovery,  // operations of the recovery, reads too: it is mostly reading
  kRepair,    // those of them that change the disk: cutting tails, removing snapshots, claims
  kSnapshot,  // later changes in the folders of snapshots; RocksDB's own writes lie between
  kCommit,    // later changes of part files and logs, which are made in commits only
};

// How the operation is cut.
enum class Cut : uint8_t {
  kBefore,  // it has not happened
  kHalf,    // the first append from there on has written the first half of its bytes
  kAfter,   // it has happened, and nobody was told
};

struct KillPlan {
  Phase phase = Phase::kCommit;
  uint64_t operation = 1;  // which one of its phase, counted from 1
  Cut cut = Cut::kBefore;
  std::string report;  // file that gets a line: phase, cut, operation, path, by tabs
};

// "PHASE:OPERATION:CUT:REPORT", such as "commit:117:half:/tmp/where". INVALID_ARGUMENT for anything
// else.
absl::StatusOr<KillPlan> ParseKillPlan(const std::string& text);

// `disk` with the plan's death in it. Thread-safe.
std::unique_ptr<Disk> MakeKillingDisk(std::unique_ptr<Disk> disk, KillPlan plan);

}  // namespace streamml::kill
