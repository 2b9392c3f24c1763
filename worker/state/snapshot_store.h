// Snapshots of one lane's state at journal positions (invariant I6).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/hash.h"
#include "worker/state/state.h"
#include "worker/state/uploads.h"

namespace streamml::state {

// A changed entry of a state, by StateId::ToString(). Not present: the entry was deleted.
struct StateChange {
  std::string state;
  std::string key;
  std::string value;
  bool present = true;
};

struct SnapshotInfo {
  SnapshotKey key;
  std::string engine;   // what the lane keeps besides declared state; opaque here
  Digest state_digest;  // sum over all entries, see EntryDigest
};

// Hash of one entry; a state digest is the sum (Digest::Add) over all entries of all states, so it
// does not depend on their order.
Digest EntryDigest(std::string_view state, std::string_view key, std::string_view value);

// Keeps the snapshots of one lane, each complete, as increments on a working copy. The two newest
// snapshots are kept, and those named to Keep(). Used by one thread at a time.
class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;

  // Published snapshots, newest first. One that is torn or damaged is left out and reported in
  // `problems` (with path and what is wrong) and never removed here.
  virtual absl::StatusOr<std::vector<SnapshotInfo>> List(std::vector<std::string>& problems) = 0;
  // Why the last List may have left some out: there is a place that could not be asked.
  virtual absl::Status listed_all() const { return absl::OkStatus(); }

  // Restores: empties the working copy, makes it equal to the snapshot of `key` and hands every
  // entry to `entry`, in any order. DATA_LOSS when a checksum or the state digest does not match;
  // the working copy is then empty. Removes nothing; the next Save removes the snapshots that are
  // newer than `key`: the journal does not know them.
  using EntryFunction = std::function<absl::Status(std::string_view state, std::string_view key,
                                                   std::string_view value)>;
  virtual absl::Status Restore(const SnapshotKey& key, const EntryFunction& entry) = 0;

  // Hands over and checks the entries of the snapshot of `key` as Restore does. The working copy is
  // empty afterwards, and no snapshot will be removed for it.
  virtual absl::Status Read(const SnapshotKey& key, const EntryFunction& entry) = 0;

  // Starts from nothing: empties the working copy and removes all snapshots.
  virtual absl::Status Clear() = 0;

  // From now on and until the next call, in this life, these are not removed for being old.
  virtual void Keep(std::vector<SnapshotKey> keys) = 0;

  // Applies `changes` (those since the last Save, Restore or Clear) to the working copy and
  // publishes it as the snapshot of `key`, durably and in one step. Returns the digest of the whole
  // state. After an error the store must not be used again.
  virtual absl::StatusOr<Digest> Save(const SnapshotKey& key, std::string_view engine,
                                      const std::vector<StateChange>& changes) = 0;

  // Hands over the entries of the snapshot that was saved or restored last, and leaves everything
  // as it is. (Beyond the six that an interface should have, as the next one.)
  virtual absl::Status ReadSaved(const EntryFunction& entry) = 0;

  // To read back what Save, Restore or Clear have made the working copy; as long as the store. Null
  // where that is not kept.
  virtual SavedEntries* saved() { return nullptr; }

  // Null where snapshots stay where they are. Any thread; what it gives lives as long as the store.
  // (A seventh method, so that who tells of lanes need not know of stores.)
  virtual Uploads* uploads() { return nullptr; }
};

}  // namespace streamml::state
