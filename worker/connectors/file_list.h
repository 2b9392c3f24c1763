// Which files a source has, and how a file is known again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/hash.h"
#include "worker/connectors/byte_stream.h"

namespace streamml::connectors {

// The files of a path or of a glob with *, ? and [..] (within one path component; a leading dot
// must be written out), sorted by bytes. A path that exists is taken as it is, even if it looks
// like a glob. NOT_FOUND when there is none; INVALID_ARGUMENT when one is a directory or not a
// regular file.
absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& path_or_glob);

// A file source is known by path, size and content, so that replay notices a changed file.
struct FileIdentity {
  std::string path;
  uint64_t size = 0;  // of the raw (compressed) bytes
  Digest content;     // blocks of 1 MiB of the raw bytes, chained
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// Reads all of `source`. Errors as ByteSource::ReadAt.
absl::StatusOr<FileIdentity> Identify(ByteSource& source);

}  // namespace streamml::connectors
