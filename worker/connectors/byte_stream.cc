#include "worker/connectors/byte_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/connectors/internal/gzip_stream.h"

namespace streamml::connectors {
namespace {

absl::Status OpenError(const std::string& path, int error) {
  const std::string message = absl::StrCat("cannot open file '", path, "': ", std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(message);
  if (error == EMFILE || error == ENFILE) return absl::ResourceExhaustedError(message);
  return absl::UnavailableError(message);
}

class File : public ByteSource {
 public:
  File(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  ~File() override { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Takes the size from the file, or checks that it has at least `expected_size`.
  absl::Status Measure(std::optional<uint64_t> expected_size);

  const std::string& path() const override { return path_; }
  uint64_t size() const override { return size_; }
  absl::StatusOr<size_t> ReadAt(uint64_t position, char* out, size_t capacity) override;

 private:
  absl::Status Shrunk(uint64_t found) const {
    return absl::DataLossError(absl::StrCat("file '", path_, "' shrank: it had ", size_,
                                            " bytes and now ends at byte ", found));
  }

  const std::string path_;
  const int descriptor_;
  uint64_t size_ = 0;
};

absl::Status File::Measure(std::optional<uint64_t> expected_size) {
  struct stat attributes = {};
  if (fstat(descriptor_, &attributes) != 0) return OpenError(path_, errno);
  if (S_ISDIR(attributes.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", path_, "' is a directory; name the files in it, for example '", path_, "/*.jsonl'"));
  }
  if (!S_ISREG(attributes.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", path_,
        "' is not a regular file; a pipe or device cannot be read again after a crash"));
  }
  const auto found = static_cast<uint64_t>(attributes.st_size);
  size_ = expected_size.value_or(found);
  return found < size_ ? Shrunk(found) : absl::OkStatus();
}

absl::StatusOr<size_t> File::ReadAt(uint64_t position, char* out, size_t capacity) {
  const auto wanted = static_cast<size_t>(std::min<uint64_t>(capacity, size_ - position));
  size_t done = 0;
  while (done < wanted) {
    const uint64_t place = position + done;
    const ssize_t count = pread(descriptor_, out + done, wanted - done, static_cast<off_t>(place));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return absl::UnavailableError(absl::StrCat("cannot read file '", path_, "' at byte ", place,
                                                 ": ", std::strerror(errno)));
    }
    if (count == 0) return Shrunk(place);
    done += static_cast<size_t>(count);
  }
  return done;
}

absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& path,
                                                 std::optional<uint64_t> size) {
  // Non-blocking, so that opening a pipe does not wait for its writer.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return OpenError(path, errno);
  auto file = std::make_unique<File>(path, descriptor);
  RETURN_IF_ERROR(file->Measure(size));
  return file;
}

class PlainStream : public ByteStream {
 public:
  explicit PlainStream(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  absl::StatusOr<size_t> Read(char* out, size_t capacity) override {
    ASSIGN_OR_RETURN(const size_t size, source_->ReadAt(position_, out, capacity));
    position_ += size;
    return size;
  }

  absl::Status Skip(uint64_t num_bytes) override {
    if (num_bytes > source_->size() - position_) {
      return absl::DataLossError(absl::StrCat("file '", source_->path(), "' has ", source_->size(),
                                              " bytes, asked for position ",
                                              position_ + num_bytes));
    }
    position_ += num_bytes;
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<ByteSource> source_;
  uint64_t position_ = 0;
};

struct Magic {
  std::string_view bytes;
  std::string_view name;
};
constexpr std::array<Magic, 5> kRefused = {{
    {"\x28\xB5\x2F\xFD", "zstd"},
    {"BZh", "bzip2"},
    {std::string_view("\xFD"
                      "7zXZ\0",
                      6),
     "xz"},
    {"PK\x03\x04", "zip"},
    {"\x04\x22\x4D\x18", "lz4"},
}};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenFile(const std::string& path) {
  return Open(path, std::nullopt);
}

absl::StatusOr<std::unique_ptr<ByteSource>> OpenFile(const std::string& path, uint64_t size) {
  return Open(path, size);
}

absl::StatusOr<std::unique_ptr<ByteStream>> OpenByteStream(std::unique_ptr<ByteSource> source) {
  char first[6];
  ASSIGN_OR_RETURN(const size_t size, source->ReadAt(0, first, sizeof first));
  const std::string_view begin(first, size);
  for (const Magic& magic : kRefused) {
    if (begin.starts_with(magic.bytes)) {
      return absl::InvalidArgumentError(absl::StrCat("file '", source->path(),
                                                     "' is compressed with ", magic.name,
                                                     ", supported: plain and gzip"));
    }
  }
  if (begin.starts_with("\x1F\x8B")) return internal::MakeGzipStream(std::move(source));
  return std::make_unique<PlainStream>(std::move(source));
}

}  // namespace streamml::connectors
