// Which snapshots of a lane stay, and from which one on its journal and what it reads is needed
// (I5). Pure but for what it remembers: what time it is comes from outside.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/lane.h"
#include "worker/log/log.h"
#include "worker/state/snapshot_store.h"

namespace streamml::lane::internal {

// What retention has to know of a snapshot.
struct KeptSnapshot {
  state::SnapshotKey key;
  int64_t taken_us = 0;
  log::Position record;                          // the last that it knows of
  std::vector<journal::v1::InputPosition> lows;  // by input: from where it reads again
  bool is_checked = false;                       // the journal shows it
};
// Nullopt when its engine state is not of this build: it counts for nothing.
std::optional<KeptSnapshot> ToKept(const state::SnapshotInfo& snapshot);

// The base is the newest snapshot that is older than `keep`: from there on all can be replayed.
// That there is one in time, some of those that are younger are kept as steps, a fourth of `keep`
// apart: what is replayable is at least `keep` and at most a fourth of it more, but for the
// interval of snapshots. One thread.
class Retention {
 public:
  // `keep_us` 0: all is needed, and no snapshot stays for its age.
  Retention(int64_t keep_us, size_t num_inputs) : keep_us_(keep_us), num_inputs_(num_inputs) {}

  // What there is when the lane goes back to the one at `last`, in any order. The others stay, but
  // nothing is removed in favour of one before the journal was asked for it: see Review.
  void Start(const std::vector<state::SnapshotInfo>& snapshots, uint64_t last);
  // One of this owner that is durable.
  void Add(const state::SnapshotInfo& snapshot);
  // The journal shows these, of this owner or others, up to `last`. `is_all`: there are no others,
  // so what is known besides and was not checked is none of this journal's.
  void Review(const std::vector<state::SnapshotInfo>& shown, bool is_all, uint64_t last);
  // Replay cannot go back beyond it (I3).
  void SetFirstOfFingerprint(const state::SnapshotKey& key) { first_of_fingerprint_ = key; }

  // Those that must not be removed when the next one is saved; with those of `in_use`, which are in
  // the store or on their way there: the base is one of them in the end.
  std::vector<state::SnapshotKey> Keep(int64_t now_us, uint64_t base,
                                       const std::vector<state::SnapshotKey>& in_use);
  // The snapshot that may be the base from now on, if it is another than that at `base`. `stored`:
  // the newest that would be left if this machine's disk were lost, nullopt: the disk is not apart
  // from the log.
  const KeptSnapshot* NextBase(int64_t now_us, uint64_t base, std::optional<uint64_t> stored) const;
  const KeptSnapshot* Find(uint64_t sequence) const;
  // The oldest position from which replay can begin for sure, given the base; 0: no snapshot is
  // known from which it could.
  uint64_t Oldest(uint64_t base) const;

 private:
  void Insert(const state::SnapshotInfo& snapshot, bool is_checked);
  bool IsOld(const KeptSnapshot& kept, int64_t now_us) const {
    return now_us - kept.taken_us >= keep_us_;
  }

  static constexpr size_t kNumNewest = 2;
  static constexpr int64_t kStepsPerKeep = 4;

  const int64_t keep_us_;
  const size_t num_inputs_;
  std::vector<KeptSnapshot> snapshots_;  // oldest first
  std::vector<state::SnapshotKey>
      given_up_;  // by the last Keep: the save that follows removes them
  std::optional<state::SnapshotKey> first_of_fingerprint_;
};

}  // namespace streamml::lane::internal
