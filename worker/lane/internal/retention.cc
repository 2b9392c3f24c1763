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
    if (snapshot.key.sequence <= last) Insert(snapshot, snapshot.key.sequence == last);
  }
}

void Retention::Add(const state::SnapshotInfo& snapshot) { Insert(snapshot, true); }

void Retention::Review(const std::vector<state::SnapshotInfo>& shown, bool is_all, uint64_t last) {
  for (const state::SnapshotInfo& snapshot : shown) {
    if (snapshot.key.sequence <= last) Insert(snapshot, true);
  }
  if (is_all) std::erase_if(snapshots_, [](const KeptSnapshot& kept) { return !kept.is_checked; });
}

void Retention::Insert(const state::SnapshotInfo& snapshot, bool is_checked) {
  std::optional<KeptSnapshot> kept = ToKept(snapshot);
  if (!kept.has_value() || kept->lows.size() != num_inputs_) return;
  kept->is_checked = is_checked;
  const auto place = std::lower_bound(
      snapshots_.begin(), snapshots_.end(), kept->key.sequence,
      [](const KeptSnapshot& a, uint64_t sequence) { return a.key.sequence < sequence; });
  if (place == snapshots_.end() || place->key.sequence != kept->key.sequence) {
    snapshots_.insert(place, *std::move(kept));
  } else if (is_checked && !place->is_checked) {
    *place = *std::move(kept);  // which may be another history's
  }
}

std::vector<state::SnapshotKey> Retention::Keep(int64_t now_us, uint64_t base,
                                                const std::vector<state::SnapshotKey>& in_use) {
  std::vector<state::SnapshotKey> keys;
  if (first_of_fingerprint_.has_value() && first_of_fingerprint_->sequence >= base) {
    keys.push_back(*first_of_fingerprint_);
  }
  if (keep_us_ <= 0) {
    // Of a job that kept less before: what came before the base is gone.
    if (const KeptSnapshot* kept = Find(base)) keys.push_back(kept->key);
    return keys;
  }
  std::erase_if(snapshots_, [base](const KeptSnapshot& kept) { return kept.key.sequence < base; });
  // One more is about to come.
  const size_t first_newest =
      snapshots_.size() - std::min<size_t>(snapshots_.size(), kNumNewest - 1);
  size_t num_old = 0;
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    // A clock that was ahead would keep it young for as long.
    snapshots_[i].taken_us = std::min(snapshots_[i].taken_us, now_us);
    if (IsOld(snapshots_[i], now_us)) num_old = i + 1;
  }
  std::vector<KeptSnapshot> stay;
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    const KeptSnapshot& kept = snapshots_[i];
    // Of those that are old enough, the base and the one that may follow it.
    const bool is_step = i + 1 < num_old
                             ? kept.key.sequence == base
                             : i + 1 == num_old || stay.empty() ||
                                   kept.taken_us - stay.back().taken_us >= keep_us_ / kStepsPerKeep;
    const bool is_in_use = std::find(in_use.begin(), in_use.end(), kept.key) != in_use.end();
    if (!is_step && !is_in_use && i < first_newest) continue;
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
    if (kept.is_checked && IsOld(kept, now_us) && is_safe && kept.key.sequence > base) {
      next = &kept;
    }
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
  if (base == 0) return first + 1;
  for (const KeptSnapshot& kept : snapshots_) {
    if (kept.key.sequence >= std::max(base, first)) return kept.key.sequence + 1;
  }
  return 0;
}

}  // namespace streamml::lane::internal
