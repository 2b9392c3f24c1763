// Files as streams of uncompressed bytes. Two seams: ByteSource is the raw bytes (a file, or memory
// in tests), ByteStream what they mean (plain, or gzip).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace streamml::connectors {

// Raw bytes of a known size that do not change. One thread at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // As the user wrote it, for messages.
  virtual const std::string& path() const = 0;
  virtual uint64_t size() const = 0;
  // Reads exactly min(capacity, size() - position) bytes; position is at most size(). UNAVAILABLE
  // when the read fails, DATA_LOSS when the bytes are gone (the file shrank); both name path and
  // position.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t position, char* out, size_t capacity) = 0;
};

// A regular file with the size it has now: what is appended later is not read. NOT_FOUND,
// PERMISSION_DENIED, INVALID_ARGUMENT for a directory, pipe or device; all name the path.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenFile(const std::string& path);

// The same with a size known from before: bytes beyond it are not read, and DATA_LOSS if some are
// gone.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenFile(const std::string& path, uint64_t size);

// Uncompressed bytes from the first to the last. One thread at a time. Positions in errors count
// raw bytes as well where both differ.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Reads 1 to `capacity` bytes; 0 means the end. After an error it must not be used any more.
  virtual absl::StatusOr<size_t> Read(char* out, size_t capacity) = 0;
  // Goes forward; DATA_LOSS if that is beyond the end. Cheap in a plain file; a compressed one is
  // decompressed up to there.
  virtual absl::Status Skip(uint64_t num_bytes) = 0;
};

// A stream of `source` from its first byte. Compression is told by the first bytes, not by the
// name: gzip (also of several members) is decompressed; zstd, bzip2, xz, zip and lz4 are refused by
// name.
absl::StatusOr<std::unique_ptr<ByteStream>> OpenByteStream(std::unique_ptr<ByteSource> source);

}  // namespace streamml::connectors
