// Snapshots as checkpoints of a RocksDB database: for state of any size. A snapshot costs what
// changed.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/disk.h"
#include "worker/state/local_snapshots.h"

namespace streamml::state {

// `folder` belongs to the store alone. In it:
//   db/                  the working copy; worth nothing after a crash and made anew by Restore
//   snapshots/<SnapshotName>/   a checkpoint of it and STREAMML, which lists its files with sizes
//   and
//                        checksums and holds key, engine, number of entries and state digest
// Files of a snapshot are shared with the working copy by hard links where the file system has
// them.
//
// Memory is bounded at about 64 MiB per store, whatever the size of the state: Save reads the old
// value of each changed entry from the database instead of keeping digests in memory, 2 to 4
// microseconds each. RocksDB's background threads are shared by all stores of the process. RocksDB
// reads and writes its own files with its own calls, not through `disk`, which must be the real one
// and outlive the store.
//
// Besides what SnapshotStore says: Restore checks the checksum of every file of the snapshot before
// the first entry is handed over, and the state digest and the number of entries after the last. A
// full disk is RESOURCE_EXHAUSTED, a read-only one PERMISSION_DENIED, a snapshot that is not there
// NOT_FOUND. Fails where `folder` cannot be made.
absl::StatusOr<std::unique_ptr<LocalSnapshots>> MakeRocksDbSnapshots(Disk& disk,
                                                                     const std::string& folder);

}  // namespace streamml::state
