#include "base/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml {
namespace {

absl::Status Error(std::string_view action, const std::string& path, int error) {
  const std::string message =
      absl::StrCat("cannot ", action, " '", path, "': ", std::strerror(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(message);
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(
          absl::StrCat(message, " (raise the limit that `ulimit -n` shows)"));
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOTDIR:  // a file where a folder belongs, or the other way round: trying again is no help
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return absl::InvalidArgumentError(message);
    default:
      return absl::UnavailableError(message);
  }
}

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixAppendFile final : public AppendFile {
 public:
  PosixAppendFile(int fd, std::string path, uint64_t size)
      : fd_(fd), path_(std::move(path)), size_(size) {}

  absl::Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return Error("write to", path_, errno);
      }
      size_ += static_cast<uint64_t>(written);
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return absl::OkStatus();
  }
  absl::Status Sync() override {
    return fdatasync(fd_.get()) == 0 ? absl::OkStatus() : Error("sync", path_, errno);
  }
  uint64_t size() const override { return size_; }

 private:
  Descriptor fd_;
  std::string path_;
  uint64_t size_;
};

class PosixReadFile final : public ReadFile {
 public:
  PosixReadFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  absl::Status ReadAt(uint64_t offset, size_t size, std::string& out) const override {
    out.resize(size);
    size_t done = 0;
    while (done < size) {
      const ssize_t got =
          pread(fd_.get(), out.data() + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0) {
        if (errno == EINTR) continue;
        return Error("read", path_, errno);
      }
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    out.resize(done);
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> Size() const override {
    struct stat info{};
    if (fstat(fd_.get(), &info) != 0) return Error("examine", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class PosixLock final : public DiskLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}

 private:
  Descriptor fd_;
};

// Makes a directory's entries durable: 0, or the error's number.
int SyncedDirectory(const std::string& path) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.get() >= 0 && fsync(fd.get()) == 0 ? 0 : errno;
}

class PosixDisk final : public Disk {
 public:
  absl::StatusOr<std::unique_ptr<AppendFile>> OpenForAppend(const std::string& path) override {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return Error("open for writing", path, errno);
    struct stat info{};
    if (fstat(fd, &info) != 0) {
      const int error = errno;
      close(fd);
      return Error("examine", path, error);
    }
    return std::make_unique<PosixAppendFile>(fd, path, static_cast<uint64_t>(info.st_size));
  }

  absl::StatusOr<std::unique_ptr<ReadFile>> OpenForRead(const std::string& path) override {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Error("open", path, errno);
    return std::make_unique<PosixReadFile>(fd, path);
  }

  absl::Status Truncate(const std::string& path, uint64_t size) override {
    const Descriptor fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (fd.get() < 0) return Error("open for writing", path, errno);
    if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return Error("truncate", path, errno);
    return fsync(fd.get()) == 0 ? absl::OkStatus() : Error("sync", path, errno);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    return rename(from.c_str(), to.c_str()) == 0 ? absl::OkStatus() : Error("rename", from, errno);
  }

  absl::Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
    return Error("remove", path, errno);
  }

  absl::Status MakeDirectories(const std::string& path) override {
    struct stat info{};
    if (stat(path.c_str(), &info) == 0) {
      if (!S_ISDIR(info.st_mode)) return Error("use as a directory", path, ENOTDIR);
      // It may have been made by a process that was killed before it came to sync. Above the
      // folders that are ours there are some that may be passed and not read, or are of the system.
      const int error = SyncedDirectory(ParentDirectory(path));
      if (error == 0 || error == EACCES || error == EINVAL) return absl::OkStatus();
      return Error("sync directory", ParentDirectory(path), error);
    }
    const std::string parent = ParentDirectory(path);
    if (parent != path && parent != ".") RETURN_IF_ERROR(MakeDirectories(parent));
    if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
      return Error("make directory", path, errno);
    return SyncDirectory(parent);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    std::vector<std::string> names;
    DIR* directory = opendir(path.c_str());
    if (directory == nullptr) {
      if (errno == ENOENT) return names;
      return Error("list", path, errno);
    }
    int error = 0;
    while (true) {
      errno = 0;  // only this tells the end of the folder from a failure
      const dirent* entry = readdir(directory);  // NOLINT(concurrency-mt-unsafe): own stream
      error = errno;
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    closedir(directory);
    if (error != 0) return Error("list", path, error);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status SyncDirectory(const std::string& path) override {
    const int error = SyncedDirectory(path);
    return error == 0 ? absl::OkStatus() : Error("sync directory", path, error);
  }

  absl::StatusOr<std::unique_ptr<DiskLock>> Lock(const std::string& path) override {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return Error("open for writing", path, errno);
    auto lock = std::make_unique<PosixLock>(fd);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return Error("lock", path, errno);
    return absl::FailedPreconditionError(absl::StrCat("'", path, "' is locked by another process"));
  }
};

}  // namespace

std::unique_ptr<Disk> MakePosixDisk() { return std::make_unique<PosixDisk>(); }

}  // namespace streamml
