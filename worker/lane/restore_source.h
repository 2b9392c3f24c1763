// What the lanes of an incarnation begin from when it begins from a savepoint: a seam, so that
// lanes know nothing of savepoints and where they are kept.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/hash.h"
#include "worker/log/log.h"
#include "worker/state/snapshot_store.h"

namespace streamml::lane {

struct LaneSpec;

struct SavepointId {
  std::string name;
  Digest digest;             // of its document
  uint32_t incarnation = 1;  // that begins from it
};

// Thread-safe; the same whenever it is asked. Errors: DATA_LOSS where the savepoint is damaged,
// with place and way out; UNAVAILABLE where its store cannot be asked.
class RestoreSource {
 public:
  virtual ~RestoreSource() = default;
  virtual const SavepointId& id() const = 0;
  // FAILED_PRECONDITION, with what differs, unless the savepoint was taken of this lane of this job
  // under this fingerprint.
  virtual absl::Status Check(const LaneSpec& spec, uint64_t job_hash,
                             const std::string& fingerprint) const = 0;
  // Rows that were in flight are written in so many transactions, at least one.
  virtual uint32_t NumTransactions(uint32_t lane) const = 0;
  // `number` from 1; frames and watermark are set.
  virtual absl::StatusOr<log::Transaction> ReadTransaction(uint32_t lane, uint32_t number) = 0;
  // What the lane keeps besides its entries, as in a snapshot, and the digest of the entries.
  virtual absl::StatusOr<state::SnapshotInfo> Start(uint32_t lane) const = 0;
  virtual absl::Status ReadEntries(uint32_t lane,
                                   const state::SnapshotStore::EntryFunction& entry) = 0;
};

}  // namespace streamml::lane
