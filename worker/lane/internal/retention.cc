#include "worker/lane/internal/retention.h"

#include <algorithm>
#include <utility>

#include "worker/lane/executor.h"

namespace streamml::lane::internal {

std::optional<KeptSnapshot> ToKept(const state::SnapshotInfo& snapshot) {
  journal::v1::LaneState engine;
  if (!engine.ParseFromString(snapshot.engine)) return std::nullopt;
  if (engine.version() != Executor::kStateVersion) return std::nullopt;
  KeptSnapshot kept;
  kept.key = snapshot.key;
  kept.taken_us = engine.taken_us();
  kept.record = {snapshot.key.sequence, engine.record_bytes()};
  for (const journal::v1::InputState& input : engine.inputs()) kept.lows.push_back(input.low());
  return kept;
}

void Retention::Start(const std::vector<state::SnapshotInfo>& snapshots, uint64_t last) {
  snapshots_.clear();
  for (const state::SnapshotInfo& snapshot : snapshots) {
    if (snapshot.key.sequence <= last) Add(snapshot);
  }
}

void Retention::Add(const state::SnapshotInfo& snapshot) {
  std::optional<KeptSnapshot> kept = ToKept(snapshot);
  if (!kept.has_value() || kept->lows.size() != num_inputs_) return;
  const auto place = std::lower_bound(
      snapshots_.begin(), snapshots_.end(), kept->key.sequence,
      [](const KeptSnapshot& a, uint64_t sequence) { return a.key.sequence < sequence; });
  if (place != snapshots_.end() && place->key.sequence == kept->key.sequence) return;
  snapshots_.insert(place, *std::move(kept));
}

std::vector<state::SnapshotKey> Retention::Keep(int64_t now_us, uint64_t base) {
  std::vector<state::SnapshotKey> keys;
  if (first_of_fingerprint_.has_value() && first_of_fingerprint_->sequence >= base) {
    keys.push_back(*first_of_fingerprint_);
  }
  if (keep_us_ <= 0) return keys;
  std::erase_if(snapshots_,
                [base](const KeptSnapshot& kept) { return kept.key.sequence < base; });
  // One more is about to come.
  const size_t first_newest =
      snapshots_.size() - std::min<size_t>(snapshots_.size(), kNumNewest - 1);
  size_t num_old = 0;
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    if (IsOld(snapshots_[i], now_us)) num_old = i + 1;
  }
  std::vector<KeptSnapshot> stay;
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    const KeptSnapshot& kept = snapshots_[i];
    // Of those that are old enough, the base and the one that may follow it.
    const bool is_step = i + 1 < num_old ? kept.key.sequence == base
                                         : i + 1 == num_old || stay.empty() ||
                                               kept.taken_us - stay.back().taken_us >=
                                                   keep_us_ / kStepsPerKeep;
    if (!is_step && i < first_newest) continue;
    stay.push_back(kept);
    keys.push_back(kept.key);
  }
  snapshots_ = std::move(stay);
  return keys;
}

const KeptSnapshot* Retention::NextBase(int64_t now_us, uint64_t base,
                                        std::optional<uint64_t> stored) const {
  if (keep_us_ <= 0) return nullptr;
  const KeptSnapshot* next = nullptr;
  for (const KeptSnapshot& kept : snapshots_) {
    const bool is_safe = !stored.has_value() || kept.key.sequence <= *stored;
    if (IsOld(kept, now_us) && is_safe && kept.key.sequence > base) next = &kept;
  }
  return next;
}

const KeptSnapshot* Retention::Find(uint64_t sequence) const {
  const auto found =
      std::find_if(snapshots_.begin(), snapshots_.end(),
                   [sequence](const KeptSnapshot& kept) { return kept.key.sequence == sequence; });
  return found == snapshots_.end() ? nullptr : &*found;
}

uint64_t Retention::Oldest(uint64_t base) const {
  const uint64_t first = first_of_fingerprint_.has_value() ? first_of_fingerprint_->sequence : 0;
  return std::max(base, first) + 1;
}

}  // namespace streamml::lane::internal
