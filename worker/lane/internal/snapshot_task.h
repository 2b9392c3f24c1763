// A snapshot between the moment that it shows and the moment that it is durable.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/hash.h"
#include "worker/lane/background.h"
#include "worker/lane/lane.h"
#include "worker/state/snapshot_store.h"

namespace streamml::lane::internal {

// All that the store needs, captured: the lane goes on meanwhile and touches neither this nor the
// store before it is done.
class SnapshotTask {
 public:
  struct Contents {
    state::SnapshotKey key;
    std::string engine;
    std::vector<state::StateChange> changes;
    bool clear_first = false;  // the store holds nothing that the journal knows
    bool is_saved = false;     // nothing was committed since: the snapshot is there
    Digest saved_digest;       // of that one
    SnapshotExport take;       // gets it once it is durable; may be empty
    // Before it is saved: which others there are. OK when all were found. May be empty.
    std::function<absl::Status(state::SnapshotStore& store,
                               std::vector<state::SnapshotInfo>& shown)>
        look;
  };

  // Starts to save. The store must outlive the task.
  SnapshotTask(Contents contents, state::SnapshotStore& store, BackgroundRunner& background);

  bool done() const { return pending_->done(); }
  void Wait() { pending_->Wait(); }
  const state::SnapshotKey& key() const { return contents_.key; }
  const std::string& engine() const { return contents_.engine; }
  bool is_saved() const { return contents_.is_saved; }
  // What `look` has found. Once done.
  bool has_looked() const { return contents_.look != nullptr; }
  const std::vector<state::SnapshotInfo>& others() const { return others_; }
  const absl::Status& looked() const { return looked_; }
  // The state digest of the snapshot, which is durable, or why there is none. Once done.
  const absl::StatusOr<Digest>& result() const { return result_; }

 private:
  void Save(state::SnapshotStore& store);

  Contents contents_;
  std::vector<state::SnapshotInfo> others_;
  absl::Status looked_;
  absl::StatusOr<Digest> result_ = absl::InternalError("not done");
  std::unique_ptr<Pending> pending_;  // last: its end is awaited before the others go
};

}  // namespace streamml::lane::internal
