// The disk as StreamML uses it: appended files, explicit durability. A seam: tests and the
// simulator put a model in its place that forgets what was not synced.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace streamml {

// A file open for appending. Not thread-safe. Closing happens in the destructor and promises
// nothing.
class AppendFile {
 public:
  virtual ~AppendFile() = default;
  // Appends all of `bytes` or fails: RESOURCE_EXHAUSTED when the disk is full, UNAVAILABLE
  // otherwise. After a failure any prefix of `bytes` may have been written.
  virtual absl::Status Append(std::string_view bytes) = 0;
  // When this returns OK, all that was appended survives a crash (the file's own directory entry
  // only after Disk::SyncDirectory). After a failure nothing may be assumed and the file must be
  // given up.
  virtual absl::Status Sync() = 0;
  virtual uint64_t size() const = 0;
};

// A file open for reading at any place; sees what was appended meanwhile. Thread-safe.
class ReadFile {
 public:
  virtual ~ReadFile() = default;
  // Reads up to `size` bytes at `offset` into `out` (resized); fewer only at the end of the file.
  virtual absl::Status ReadAt(uint64_t offset, size_t size, std::string& out) const = 0;
  virtual absl::StatusOr<uint64_t> Size() const = 0;
};

// Held while the object lives; the operating system lets go when the process dies.
class DiskLock {
 public:
  virtual ~DiskLock() = default;
};

// Thread-safe. Errors name the path. NOT_FOUND for what is missing, RESOURCE_EXHAUSTED for a full
// disk and for too many open files, PERMISSION_DENIED for a read-only one.
class Disk {
 public:
  virtual ~Disk() = default;
  // Creates the file if it is missing.
  virtual absl::StatusOr<std::unique_ptr<AppendFile>> OpenForAppend(const std::string& path) = 0;
  virtual absl::StatusOr<std::unique_ptr<ReadFile>> OpenForRead(const std::string& path) = 0;
  // Cuts the file to `size` bytes, durably.
  virtual absl::Status Truncate(const std::string& path, uint64_t size) = 0;
  // Replaces `to` in one step; durable after SyncDirectory.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // Removing what is missing is OK. Durable after SyncDirectory.
  virtual absl::Status Remove(const std::string& path) = 0;
  // Makes the directory and its parents, durably. Of one that is there already, a parent that may
  // not be read is believed to hold it.
  virtual absl::Status MakeDirectories(const std::string& path) = 0;
  // Names (not paths) in the directory, sorted: all of them, or an error. A missing directory has
  // none.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  // FAILED_PRECONDITION when another holds it.
  virtual absl::StatusOr<std::unique_ptr<DiskLock>> Lock(const std::string& path) = 0;
};

// Reads the whole file. NOT_FOUND when it is missing.
absl::StatusOr<std::string> ReadWhole(Disk& disk, const std::string& path);

// Writes `bytes` as the whole of `path`: a temporary file beside it, synced, renamed, directory
// synced. A crash leaves the old content or the new one.
absl::Status WriteWhole(Disk& disk, const std::string& path, std::string_view bytes);

// The directory part of a path, "." where there is none.
std::string ParentDirectory(const std::string& path);

}  // namespace streamml
