// The file STREAMML of a RocksDB snapshot: what the snapshot is, and its files with their
// checksums.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/disk.h"
#include "base/hash.h"
#include "worker/state/snapshot_store.h"

namespace streamml::state {

inline constexpr std::string_view kDescriptorName = "STREAMML";

struct FileRecord {
  std::string name;  // in the snapshot's folder
  uint64_t size = 0;
  Digest digest;  // chained over pieces of 1 MiB
};

struct Descriptor {
  SnapshotInfo info;
  uint64_t num_entries = 0;
  std::vector<FileRecord> files;
};

// Sizes and checksums of a file as it is.
absl::StatusOr<FileRecord> DescribeFile(Disk& disk, const std::string& folder,
                                        const std::string& name);

// Writes the descriptor into `folder` and syncs it and the folder.
absl::Status WriteDescriptor(Disk& disk, const std::string& folder, const Descriptor& descriptor);

// Reads the descriptor of the snapshot of `key`. DATA_LOSS when it is missing or damaged.
absl::StatusOr<Descriptor> ReadDescriptor(Disk& disk, const std::string& folder,
                                          const SnapshotKey& key);

// DATA_LOSS when a listed file is missing or has another size.
absl::Status CheckSizes(Disk& disk, const std::string& folder, const Descriptor& descriptor);

// DATA_LOSS when a listed file is missing or has another size or content.
absl::Status CheckContents(Disk& disk, const std::string& folder, const Descriptor& descriptor);

}  // namespace streamml::state
