// Folders and links, which Disk does not offer: what RocksDB's directories of files need.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace streamml::state {

// Removes the folder and all in it; one that is missing is OK.
absl::Status RemoveFolder(const std::string& path);

absl::StatusOr<bool> FolderExists(const std::string& path);

// Makes `to` the same file as `from`, or a copy of it where the file system has no links. Neither
// may be changed afterwards. Not durable.
absl::Status LinkFile(const std::string& from, const std::string& to);

// Not durable.
absl::Status CopyFile(const std::string& from, const std::string& to);

// The path from the root of the file system.
absl::StatusOr<std::string> AbsolutePath(const std::string& path);

}  // namespace streamml::state
