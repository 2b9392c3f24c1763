// The store of snapshots, as text for people. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/lane/run.h"
#include "worker/state/uploads.h"

namespace streamml::cli {

// What the store lacks, over all lanes.
struct StoreTotals {
  bool is_there = false;   // there is a store
  size_t num_lacking = 0;  // lanes
  double seconds = 0;      // the longest
  std::string problem;     // of one of them; empty: none has any
};

StoreTotals StoreTotalsOf(const std::vector<lane::LaneProgress>& lanes, int64_t now_us);

// "has the newest snapshots", or "lacks snapshots of 2 lanes for 75.0 s: why".
std::string StoreText(const StoreTotals& store);

// When people are told that the store is away, and when that it is back: once each. One thread at a
// time.
class StoreNews {
 public:
  // A line, or "".
  std::string Take(const std::vector<std::optional<state::UploadStatus>>& lanes);

 private:
  bool is_away_ = false;
};

}  // namespace streamml::cli
