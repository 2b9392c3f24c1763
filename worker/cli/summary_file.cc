#include "worker/cli/summary_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

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

template <typename... Parts>
absl::Status Refuse(const std::string& path, const Parts&... why) {
  return absl::InvalidArgumentError(absl::StrCat("--summary: '", path, "' ", why...));
}

// A file that is not an earlier summary would be lost.
absl::Status CheckContent(const std::string& path) {
  if (!IsRegular(path)) return absl::OkStatus();
  std::ifstream file(path, std::ios::binary);
  std::string begin(256, '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  begin.resize(static_cast<size_t>(file.gcount()));
  const bool is_summary =
      begin.starts_with("{\n  \"job\": ") && begin.find("\"finished\": ") != std::string::npos;
  if (begin.empty() || is_summary) return absl::OkStatus();
  return Refuse(path,
                "exists and is no summary of an earlier run; name another file, or remove it");
}

// One way of writing each path, whether it exists or not; no slash at the end.
std::filesystem::path Canonical(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  std::filesystem::path result = std::filesystem::weakly_canonical(absolute, error);
  if (error) result = absolute.lexically_normal();
  return result.has_filename() ? result : result.parent_path();
}

bool IsIn(const std::filesystem::path& path, const std::filesystem::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

absl::Status CheckOwner(const Job& job, const std::string& path) {
  const std::filesystem::path place = Canonical(path);
  for (const plan::SourcePlan& source : job.plan.sources) {
    for (const std::string& input : source.files) {
      if (Canonical(input) == place)
        return Refuse(path, "is an input of source '", source.name, "'");
    }
  }
  std::vector<std::string> folders = {".streamml"};
  for (const plan::StagePlan& stage : job.plan.stages) {
    for (const lane::SinkOutput& sink : stage.spec->sinks) folders.push_back(sink.name);
  }
  for (const std::string& folder : folders) {
    if (IsIn(place, Canonical(absl::StrCat(job.data_dir, "/", folder))))
      return Refuse(path, "is in the folder '", folder,
                    "' of the data folder, which the job fills");
  }
  return absl::OkStatus();
}

// Whether a file can be made beside `path` is found by making one.
absl::Status CheckFolder(const Job& job, Disk& disk, const std::string& path) {
  const std::string folder = ParentDirectory(path);
  if (!Exists(folder)) {
    if (IsIn(Canonical(job.data_dir), Canonical(folder))) return absl::OkStatus();  // will be made
    return Refuse(path, "cannot be written: there is no folder '", folder, "'");
  }
  std::error_code error;
  const std::filesystem::path target = std::filesystem::canonical(path, error);  // behind links
  const std::string trial = absl::StrCat(error ? path : target.string(), ".tmp");
  absl::Status status = disk.OpenForAppend(trial).status();
  if (status.ok()) status = disk.Remove(trial);
  if (status.ok() || absl::IsResourceExhausted(status)) return status;
  return Refuse(path, "cannot be written: ", std::string(status.message()));
}

}  // namespace

absl::Status CheckSummaryPlace(const Job& job, Disk& disk, const std::string& path) {
  std::error_code error;
  if (path.ends_with('/') || std::filesystem::is_directory(path, error)) {
    return Refuse(path, "is a folder; name a file in it");
  }
  if (Exists(path) && !IsRegular(path)) return absl::OkStatus();
  RETURN_IF_ERROR(CheckContent(path));
  RETURN_IF_ERROR(CheckOwner(job, path));
  return CheckFolder(job, disk, path);
}

absl::Status WriteSummary(Disk& disk, const std::string& path, std::string_view json) {
  RETURN_IF_ERROR(CheckContent(path));
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
