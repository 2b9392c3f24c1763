#include "worker/lane/internal/snapshot_task.h"

#include <utility>

namespace streamml::lane::internal {

SnapshotTask::SnapshotTask(Contents contents, state::SnapshotStore& store,
                           BackgroundRunner& background)
    : contents_(std::move(contents)), pending_(background.Start([this, &store] { Save(store); })) {}

void SnapshotTask::Save(state::SnapshotStore& store) {
  // The first save of an owner makes the store forget those that it did not make.
  if (contents_.look) looked_ = contents_.look(store, others_);
  if (contents_.clear_first) {
    const absl::Status cleared = store.Clear();
    if (!cleared.ok()) {
      result_ = cleared;
      return;
    }
  }
  result_ = contents_.is_saved ? contents_.saved_digest
                               : store.Save(contents_.key, contents_.engine, contents_.changes);
  contents_.changes = {};
  if (result_.ok() && contents_.take) {
    contents_.take({contents_.key, contents_.engine, *result_}, store);
  }
}

}  // namespace streamml::lane::internal
