#include "worker/cli/part_check.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace streamml::cli {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

}  // namespace

absl::StatusOr<PartCheck> PartCheck::Open(Disk& disk, std::string path, lane::StopFunction stop) {
  PartCheck check(disk, std::move(path), std::move(stop));
  auto file = disk.OpenForRead(check.path_);
  if (file.ok()) {
    check.existing_ = *std::move(file);
    ASSIGN_OR_RETURN(check.size_, check.existing_->Size());
  } else if (!absl::IsNotFound(file.status())) {
    return file.status();
  }
  return check;
}

// What was not finished is of no use; a failure to remove it changes nothing.
PartCheck::~PartCheck() {
  if (written_ != nullptr) disk_->Remove(TemporaryPath()).IgnoreError();
}

// Readers of part-*.jsonl do not see it.
std::string PartCheck::TemporaryPath() const {
  return absl::StrCat(ParentDirectory(path_), "/.", path_.substr(path_.rfind('/') + 1), ".replay");
}

absl::Status PartCheck::Compare(std::string_view bytes) {
  std::string stored;
  RETURN_IF_ERROR(existing_->ReadAt(position_, bytes.size(), stored));
  const auto [mine, theirs] =
      std::mismatch(bytes.begin(), bytes.end(), stored.begin(), stored.end());
  const auto equal = static_cast<uint64_t>(mine - bytes.begin());
  if (theirs != stored.end() || equal < bytes.size()) difference_ = position_ + equal;
  return absl::OkStatus();
}

absl::Status PartCheck::StartWriting() {
  RETURN_IF_ERROR(disk_->MakeDirectories(ParentDirectory(path_)));
  RETURN_IF_ERROR(disk_->Remove(TemporaryPath()));  // of a replay that was killed
  ASSIGN_OR_RETURN(written_, disk_->OpenForAppend(TemporaryPath()));
  std::string piece;
  for (uint64_t copied = 0; copied < position_; copied += piece.size()) {
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(kPieceBytes, position_ - copied));
    RETURN_IF_ERROR(lane::CheckStop(stop_));
    RETURN_IF_ERROR(existing_->ReadAt(copied, wanted, piece));
    if (piece.empty())
      return absl::UnavailableError(absl::StrCat("'", path_, "' shrinks while it is read"));
    RETURN_IF_ERROR(written_->Append(piece));
  }
  return absl::OkStatus();
}

absl::Status PartCheck::Skip(uint64_t bytes, const Digest& digest) {
  Digest found;
  std::string piece;
  std::string line;
  is_lost_ = size_ < bytes;
  while (!is_lost_ && position_ < bytes) {
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(kPieceBytes, bytes - position_));
    RETURN_IF_ERROR(lane::CheckStop(stop_));
    RETURN_IF_ERROR(existing_->ReadAt(position_, wanted, piece));
    if (piece.empty())
      return absl::UnavailableError(absl::StrCat("'", path_, "' shrinks while it is read"));
    position_ += piece.size();
    for (size_t start = 0; start < piece.size();) {
      const size_t end = std::min(piece.find('\n', start), piece.size() - 1) + 1;
      line.append(piece, start, end - start);
      start = end;
      if (line.back() != '\n') break;
      found.Chain(line);
      line.clear();
    }
  }
  position_ = bytes;
  is_lost_ = is_lost_ || !line.empty() || found != digest;
  return absl::OkStatus();
}

absl::Status PartCheck::Receive(std::string_view bytes) {
  if (is_lost_) {
    position_ += bytes.size();
    return absl::OkStatus();
  }
  const uint64_t in_file =
      size_ > position_ ? std::min<uint64_t>(size_ - position_, bytes.size()) : 0;
  if (!difference_.has_value() && in_file > 0) RETURN_IF_ERROR(Compare(bytes.substr(0, in_file)));
  if (!difference_.has_value() && in_file < bytes.size()) {
    if (written_ == nullptr) RETURN_IF_ERROR(StartWriting());
    RETURN_IF_ERROR(written_->Append(bytes));
  }
  position_ += bytes.size();
  return absl::OkStatus();
}

absl::StatusOr<PartCheck::Outcome> PartCheck::Finish() {
  if (is_lost_) return Outcome::kLost;
  if (difference_.has_value()) return Outcome::kDiffers;
  if (written_ == nullptr) return Outcome::kEqual;
  RETURN_IF_ERROR(written_->Sync());
  written_ = nullptr;
  RETURN_IF_ERROR(disk_->Rename(TemporaryPath(), path_));
  RETURN_IF_ERROR(disk_->SyncDirectory(ParentDirectory(path_)));
  return Outcome::kWritten;
}

}  // namespace streamml::cli
