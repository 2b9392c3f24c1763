#include "worker/state/rocksdb/internal/folders.h"

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/status.h"

namespace streamml::state {
namespace {

absl::Status ToStatus(const std::error_code& error, std::string_view action,
                      const std::string& path) {
  if (!error) return absl::OkStatus();
  const std::string message = absl::StrCat("cannot ", action, " '", path, "': ", error.message());
  if (error == std::errc::no_such_file_or_directory) return absl::NotFoundError(message);
  if (error == std::errc::no_space_on_device || error == std::errc::file_too_large ||
      error == std::error_code(EDQUOT, std::generic_category())) {
    return absl::ResourceExhaustedError(message);
  }
  if (error == std::errc::too_many_files_open ||
      error == std::errc::too_many_files_open_in_system) {
    return absl::ResourceExhaustedError(
        absl::StrCat(message, " (raise the limit that `ulimit -n` shows)"));
  }
  if (error == std::errc::permission_denied || error == std::errc::operation_not_permitted ||
      error == std::errc::read_only_file_system) {
    return absl::PermissionDeniedError(message);
  }
  return absl::UnavailableError(message);
}

}  // namespace

absl::Status RemoveFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return ToStatus(error, "remove", path);
}

absl::StatusOr<bool> FolderExists(const std::string& path) {
  std::error_code error;
  const bool exists = std::filesystem::is_directory(path, error);
  if (!error || error == std::errc::no_such_file_or_directory) return exists;
  return ToStatus(error, "examine", path);
}

absl::Status LinkFile(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::create_hard_link(from, to, error);
  if (!error) return absl::OkStatus();
  return CopyFile(from, to);
}

absl::Status CopyFile(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::copy_file(from, to, error);
  return ToStatus(error, "copy", from);
}

absl::StatusOr<std::string> AbsolutePath(const std::string& path) {
  std::error_code error;
  std::string result = std::filesystem::absolute(path, error).lexically_normal().string();
  if (error) return ToStatus(error, "find", path);
  return result;
}

}  // namespace streamml::state
