// Removes from the store what no snapshot needs, beside other owners of the lane that write there.
//
// Nobody's clock is compared with another's, and no age is asked of the store: what may go is
// remembered, and goes when every look at the store for the grace time has found that it may.
// Against that, who uploads keeps these rules (uploader.cc):
//   1. A file is under a name of its own, so it is never one that somebody is about to remove.
//   2. Before it writes the first file, and before it counts on a file of a manifest that it saw no
//      longer than half the grace time ago, it names all of them in uploads/, and says so again
//      within half the grace time as long as it is at work. When it cannot, it begins anew.
//   3. That name goes only when the manifest is there.
// A look lists files, then uploads, then manifests: a file in the list was named before it was
// written, and is named in one of the two until a manifest that needs it is itself removed. A file
// of such a manifest that somebody counts on was found unneeded later than he saw it, and is
// removed a grace time after that, when his name for it is there to be seen.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "worker/state/store/internal/lane_store.h"

namespace streamml::state {

// What this owner knows of the snapshots.
struct Retention {
  size_t num_kept = 2;
  // Of the journal's history, as far as this life saved or restored them.
  std::vector<SnapshotKey> known;
  // How many of them this life saved. Two mean that it has committed since it began, so that what
  // it did not know then, nobody knows.
  size_t num_saved = 0;
  // From this sequence on the journal showed nothing but what is known. None: not asked yet.
  std::optional<uint64_t> forgotten_from;
  std::vector<SnapshotKey> kept;

  bool Knows(const SnapshotKey& key) const;
  // Whether the snapshot is one that may be offered for restoring.
  bool Shows(const SnapshotKey& key) const;
};

// Used by one thread at a time.
class Collector {
 public:
  Collector(LaneStore& store, Clock& clock, int64_t grace_us);

  // One look. After an error the rest is left to the next.
  absl::Status Collect(const Retention& retention);

 private:
  // Says that `key` may go; true when that has been so for long enough.
  bool MayGo(const std::string& key);
  absl::Status Remove(const std::string& key);
  absl::Status RemoveIfDue(const std::string& key);
  absl::Status ReadUploads(std::set<std::string>& needed, bool& all_known);
  absl::Status ReadManifests(const Retention& retention, std::set<std::string>& needed,
                             bool& all_known);
  absl::StatusOr<std::vector<SnapshotKey>> ReadPins();

  LaneStore& store_;
  Clock& clock_;
  const int64_t grace_us_;
  int64_t look_us_ = 0;                    // when this look began
  std::map<std::string, int64_t> marked_;  // since when each may go: after the store had said so
  std::map<std::string, int64_t> still_;   // marks of this look
};

// The snapshots among `present` (newest first) that are not needed by the rules of `retention`.
std::vector<SnapshotKey> Superseded(const std::vector<SnapshotKey>& present,
                                    const Retention& retention);

}  // namespace streamml::state
