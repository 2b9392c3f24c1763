// Lane: which snapshots stay, what the journal says is needed, and the removal of the rest (I5).
//
// In this order: a snapshot is durable, a record names it as the base, and only then what it does not
// need is removed, in the background. So whoever opens the lane later knows from the journal's last
// record what may be missing.

#include <algorithm>
#include <optional>

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
  environment_.snapshots.Keep(retention_->Keep(Now(), past_->retained.sequence()));
}

// A new snapshot is the time to look whether an older one may be the base.
void Lane::NoteSnapshot(const internal::SnapshotTask& task) {
  if (environment_.keep_us <= 0) return;
  retention_->Add({task.key(), task.engine(), *task.result()});
  for (const state::SnapshotInfo& other : task.others()) {
    if (other.key.sequence <= sequence_) retention_->Add(other);
  }
  knows_others_ = knows_others_ || !task.others().empty();
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
  if (needed.sequence() == base_ || base == nullptr) return needed;
  needed.Clear();
  needed.set_sequence(base_);
  needed.set_savepoint(past_->restored.savepoint());
  needed.set_savepoint_digest(past_->restored.digest());
  for (const ChannelRead& channel : spec_.channels) {
    if (!channel.others.empty()) *needed.add_inputs() = base->lows[channel.input];
  }
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
