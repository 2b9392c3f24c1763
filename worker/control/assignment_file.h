// The last assignment of a worker, in its data folder, so that a worker that restarts alone goes on
// with it.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/disk.h"
#include "proto/streamml/fleet/v1/fleet.pb.h"

namespace streamml::control {

// 16 bytes: XXH3, 128 bits, low half first, each half little-endian.
std::string ManifestHash(const std::string& manifest);

// Nullopt when there is none. DATA_LOSS, with the path and the way out, when the file is damaged or
// of a version that this build does not know.
absl::StatusOr<std::optional<fleet::v1::StoredAssignment>> ReadAssignment(Disk& disk,
                                                                          const std::string& path);

// In one step and durably; the version is set here. Errors as Disk.
absl::Status WriteAssignment(Disk& disk, const std::string& path,
                             fleet::v1::StoredAssignment assignment);

}  // namespace streamml::control
