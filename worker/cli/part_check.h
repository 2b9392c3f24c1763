// A part file against the bytes that a replay gives for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/disk.h"
#include "base/hash.h"
#include "worker/lane/executor.h"

namespace streamml::cli {

// Compares while the existing file lasts. From where it is too short, writes the whole anew into a
// temporary sibling that takes its place in Finish(). One thread.
class PartCheck {
 public:
  enum class Outcome : uint8_t {
    kEqual,    // possibly followed by bytes that were never committed
    kWritten,  // was missing or too short and is whole now
    kDiffers,  // left as it is
    kLost,     // what was skipped is missing or not what it was; left as it is
  };

  // The disk must outlive the check. While it reads much at once it asks `stop`, which may be
  // empty, and ends with CANCELLED.
  static absl::StatusOr<PartCheck> Open(Disk& disk, std::string path, lane::StopFunction stop = {});
  PartCheck(PartCheck&&) = default;
  ~PartCheck();

  // The first bytes of the part, which cannot be had again, are checked by the digest of their
  // lines, chained with their line ends. Before the first Receive.
  absl::Status Skip(uint64_t bytes, const Digest& digest);
  // The next bytes of the part as they should be.
  absl::Status Receive(std::string_view bytes);
  absl::StatusOr<Outcome> Finish();

  const std::string& path() const { return path_; }
  // Of the first difference, once there is one.
  std::optional<uint64_t> difference() const { return difference_; }
  uint64_t uncommitted_bytes() const { return size_ > position_ ? size_ - position_ : 0; }
  uint64_t size_bytes() const { return position_; }  // of the part as it should be

 private:
  PartCheck(Disk& disk, std::string path, lane::StopFunction stop)
      : disk_(&disk), path_(std::move(path)), stop_(std::move(stop)) {}
  absl::Status Compare(std::string_view bytes);
  absl::Status StartWriting();
  std::string TemporaryPath() const;

  Disk* disk_;
  std::string path_;
  lane::StopFunction stop_;
  std::unique_ptr<ReadFile> existing_;  // null: there is none
  uint64_t size_ = 0;                   // of the existing file
  uint64_t position_ = 0;
  std::unique_ptr<AppendFile> written_;
  std::optional<uint64_t> difference_;
  bool is_lost_ = false;
};

}  // namespace streamml::cli
