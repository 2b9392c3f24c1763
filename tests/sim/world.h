// A seeded job for the simulator: files with ugly rows, a manifest with windows, a re-key and a
// model, and the plan made from them by the real planner.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/support/random.h"
#include "worker/plan/plan.h"

namespace streamml::sim {

struct WorldOptions {
  uint64_t num_rows = 500;  // at least
  uint32_t num_lanes = 0;   // 0: chosen by the seed
  bool any_order = false;   // also jobs in which what comes out depends on when rows come
};

// Everything is a function of the seed. Immutable once made; the plan reads the files through it,
// so it must outlive every lane.
class World {
 public:
  static absl::StatusOr<std::unique_ptr<World>> Make(uint64_t seed, const WorldOptions& options);

  const plan::JobPlan& plan() const { return plan_; }
  bool trains_apart() const { return plan::TrainsApart(plan_); }
  // What comes out is a function of the rows alone (I2), not also of when each came.
  bool in_event_order() const { return in_event_order_; }
  uint64_t num_records() const { return num_records_; }
  const std::string& manifest() const { return manifest_; }
  const std::map<std::string, std::string>& files() const { return files_; }

 private:
  void MakeFiles(support::Random& random, uint64_t num_rows);

  std::map<std::string, std::string> files_;  // path -> content
  std::string manifest_;
  plan::JobPlan plan_;
  bool in_event_order_ = true;
  uint64_t num_records_ = 0;
};

}  // namespace streamml::sim
