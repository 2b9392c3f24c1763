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
    const bool is_given_up =
        std::find(given_up_.begin(), given_up_.end(), snapshot.key) != given_up_.end();
    if (snapshot.key.sequence <= last && !is_given_up) Insert(snapshot, true);
  }
  given_up_.clear();
  if (is_all) std::erase_if(snapshots_, [](const KeptSnapshot& kept) { return !kept.is_checked; });
}

void Retention::Insert(const state::SnapshotInfo& snapshot, bool is_checked) {
  std::optional<KeptSnapshot> kept = ToKept(snapshot);
  if (!kept.has_value() || kept->lows.size() != num_inputs_) return;
  kept->is_checked = is_checked;
  const auto known =
      std::find_if(snapshots_.begin(), snapshots_.end(),
                   [&](const KeptSnapshot& other) { return other.key == kept->key; });
  if (known != snapshots_.end()) {
    known->is_checked = known->is_checked || is_checked;
    return;
  }
  // There may be one of another history at the same place: until the journal is asked, both stay.
  const auto place = std::upper_bound(
      snapshots_.begin(), snapshots_.end(), kept->key.sequence,
      [](uint64_t sequence, const KeptSnapshot& other) { return sequence < other.key.sequence; });
  snapshots_.insert(place, *std::move(kept));
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
  given_up_.clear();
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    const KeptSnapshot& kept = snapshots_[i];
    // Of those that are old enough, the base and the one that may follow it.
    const bool is_step = i + 1 < num_old
                             ? kept.key.sequence == base
                             : i + 1 == num_old || stay.empty() ||
                                   kept.taken_us - stay.back().taken_us >= keep_us_ / kStepsPerKeep;
    const bool is_in_use = std::find(in_use.begin(), in_use.end(), kept.key) != in_use.end();
    if (!is_step && !is_in_use && i < first_newest) {
      given_up_.push_back(kept.key);
      continue;
    }
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
  const KeptSnapshot* found = nullptr;
  for (const KeptSnapshot& kept : snapshots_) {
    if (kept.key.sequence != sequence) continue;
    if (found == nullptr || kept.is_checked) found = &kept;
  }
  return found;
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
