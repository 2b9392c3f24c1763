#include "base/disk.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml {

absl::StatusOr<std::string> ReadWhole(Disk& disk, const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ReadFile> file, disk.OpenForRead(path));
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  std::string bytes;
  RETURN_IF_ERROR(file->ReadAt(0, size, bytes));
  return bytes;
}

absl::Status WriteWhole(Disk& disk, const std::string& path, std::string_view bytes) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  RETURN_IF_ERROR(disk.Remove(temporary));
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> file, disk.OpenForAppend(temporary));
    RETURN_IF_ERROR(file->Append(bytes));
    RETURN_IF_ERROR(file->Sync());
  }
  RETURN_IF_ERROR(disk.Rename(temporary, path));
  return disk.SyncDirectory(ParentDirectory(path));
}

std::string ParentDirectory(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace streamml
