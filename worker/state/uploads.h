// What snapshots that are copied to a store tell of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/hash.h"

namespace streamml::state {

// Names a snapshot: the commit after which the state was taken and the digest of the journal up to
// there. A snapshot may be used only while the journal shows that digest at that commit.
struct SnapshotKey {
  uint64_t sequence = 0;
  Digest history;
  friend bool operator==(const SnapshotKey&, const SnapshotKey&) = default;
};

// What the store lacks.
struct UploadStatus {
  uint64_t num_pending = 0;  // snapshots saved since the newest one that is in the store
  int64_t since_us = 0;      // when the first of them was saved; by the clock of the options
  std::string problem;       // why the last attempt failed; empty: it did not
  uint64_t num_uploaded = 0;
  std::optional<SnapshotKey> newest;        // in the store, as far as this life knows
  std::optional<SnapshotKey> current = {};  // on its way there
};

// Thread-safe.
class Uploads {
 public:
  virtual ~Uploads() = default;
  virtual UploadStatus upload_status() const = 0;
  // The lane has another owner from now on: what that one does to the store is not known here, and
  // nothing in it is judged by this one before it has saved twice again.
  virtual void NoteLetGo() = 0;
  // Uploads what is pending without waiting for the interval, and returns when nothing is, when an
  // attempt fails, or after the time. What is then pending is told by the status.
  virtual void FinishUploads(int64_t timeout_us) = 0;
};

}  // namespace streamml::state
