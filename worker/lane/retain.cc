// Lane: which snapshots stay, what the journal says is needed, and the removal of the rest (I5).
//
// In this order: a snapshot is durable, a record names it as the base, and only then what it does
// not need is removed, in the background. So whoever opens the lane later knows from the journal's
// last record what may be missing.

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/internal/journal_scan.h"
#include "worker/lane/internal/retention.h"
#include "worker/lane/internal/snapshot_task.h"
#include "worker/lane/internal/truncation_task.h"
#include "worker/lane/lane.h"

namespace streamml::lane {

uint64_t Lane::oldest_replayable() const { return retention_->Oldest(past_->retained.sequence()); }

// All before this position may be gone as far as this lane knows; it does not go back behind it.
uint64_t Lane::NeededFrom() const {
  return std::max(restored_sequence_, past_->retained.sequence());
}

void Lane::KeepSnapshots() {
  std::vector<state::SnapshotKey> in_use;
  if (state::Uploads* uploads = environment_.snapshots.uploads()) {
    const state::UploadStatus status = uploads->upload_status();
    if (status.newest.has_value()) in_use.push_back(*status.newest);
    if (status.current.has_value()) in_use.push_back(*status.current);
  }
  environment_.snapshots.Keep(retention_->Keep(Now(), past_->retained.sequence(), in_use));
}

// An owner that followed, or comes back, does not know what others have saved meanwhile. While the
// store is away each look takes as long as it is waited for, so they come less often.
std::function<absl::Status(state::SnapshotStore&, std::vector<state::SnapshotInfo>&)>
Lane::LookForOthers() {
  if (environment_.keep_us <= 0 || knows_others_) return {};
  if (snapshots_until_look_ > 0) {
    --snapshots_until_look_;
    return {};
  }
  return
      [this](state::SnapshotStore& store, std::vector<state::SnapshotInfo>& shown) -> absl::Status {
        std::vector<std::string> problems;  // told when a lane is opened
        ASSIGN_OR_RETURN(const std::vector<state::SnapshotInfo> infos, store.List(problems));
        for (const state::SnapshotInfo& info : infos) {
          ASSIGN_OR_RETURN(const auto place, internal::FindShown(environment_.log, spec_, info));
          if (place.has_value()) shown.push_back(info);
        }
        return store.listed_all();
      };
}

void Lane::NoteOthers(const internal::SnapshotTask& task) {
  if (!task.has_looked()) return;
  knows_others_ = task.looked().ok();
  retention_->Review(task.others(), knows_others_, sequence_);
  constexpr uint64_t kMostDoublings = 3;
  num_looks_failed_ = knows_others_ ? 0 : num_looks_failed_ + 1;
  snapshots_until_look_ =
      knows_others_ ? 0 : (uint64_t{1} << std::min(num_looks_failed_, kMostDoublings)) - 1;
}

// A new snapshot is the time to look whether an older one may be the base.
void Lane::NoteSnapshot(const internal::SnapshotTask& task) {
  if (environment_.keep_us <= 0) return;
  retention_->Add({task.key(), task.engine(), *task.result()});
  NoteOthers(task);
  std::optional<uint64_t> stored;
  // What is in the store is what is left when this machine is lost.
  if (state::Uploads* uploads = environment_.snapshots.uploads()) {
    const std::optional<state::SnapshotKey> newest = uploads->upload_status().newest;
    stored = newest.has_value() ? newest->sequence : 0;
  }
  const internal::KeptSnapshot* next = retention_->NextBase(Now(), base_, stored);
  if (next != nullptr) base_ = next->key.sequence;
  if (!truncation_problem_.ok()) truncated_base_ = 0;
}

journal::v1::Retained Lane::Needed() const {
  journal::v1::Retained needed = past_->retained;
  const internal::KeptSnapshot* base = retention_->Find(base_);
  if (needed.sequence() != base_ && base != nullptr) {
    needed.Clear();
    needed.set_sequence(base_);
    for (const ChannelRead& channel : spec_.channels) {
      if (!channel.others.empty()) *needed.add_inputs() = base->lows[channel.input];
    }
  }
  needed.set_savepoint(past_->restored.savepoint());
  needed.set_savepoint_digest(past_->restored.digest());
  return needed;
}

void Lane::TruncateIfDue() {
  if (truncation_ != nullptr) {
    if (!truncation_->done()) return;
    truncation_problem_ = truncation_->result();
    truncation_ = nullptr;
  }
  const uint64_t base = past_->retained.sequence();
  if (base == truncated_base_ || !claimed_ || environment_.keep_us <= 0) return;
  truncated_base_ = base;
  const internal::KeptSnapshot* kept = retention_->Find(base);
  // Null when another owner took it, and it is not known here yet: a later base will do.
  if (kept == nullptr) return;
  truncation_ = std::make_unique<internal::TruncationTask>(spec_, *kept, environment_.log,
                                                           environment_.background);
}

}  // namespace streamml::lane
