#include "worker/cli/summary_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/status.h"

namespace streamml::cli {
namespace {

bool IsRegular(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace

absl::Status CheckSummaryFile(const std::string& path) {
  if (!IsRegular(path)) return absl::OkStatus();
  std::ifstream file(path, std::ios::binary);
  std::string begin(256, '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  begin.resize(static_cast<size_t>(file.gcount()));
  const bool is_summary =
      begin.starts_with("{\n  \"job\": ") && begin.find("\"finished\": ") != std::string::npos;
  if (begin.empty() || is_summary) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--summary: '", path,
      "' exists and is no summary of an earlier run; name another file, or remove it"));
}

absl::Status WriteSummary(Disk& disk, const std::string& path, std::string_view json) {
  RETURN_IF_ERROR(CheckSummaryFile(path));
  if (!Exists(path)) return WriteWhole(disk, path, json);
  if (IsRegular(path)) {
    std::error_code error;
    const std::filesystem::path target = std::filesystem::canonical(path, error);
    return WriteWhole(disk, error ? path : target.string(), json);
  }
  std::ofstream device(path, std::ios::binary);
  device << json << std::flush;
  if (device) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("--summary: cannot write to '", path, "'"));
}

}  // namespace streamml::cli
