#include "worker/connectors/file_list.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::connectors {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

bool Exists(const std::string& path) {
  struct stat attributes = {};
  return stat(path.c_str(), &attributes) == 0;
}

// glob() has no argument for its callback; it runs on the calling thread.
thread_local std::string glob_failure;

int KeepGlobFailure(const char* path, int error) {
  if (error == ENOENT || error == ENOTDIR) return 0;  // a component that matches nothing
  glob_failure = absl::StrCat("cannot list '", path, "': ", std::strerror(error));
  return 1;
}

absl::StatusOr<std::vector<std::string>> Glob(const std::string& pattern) {
  glob_t found = {};
  glob_failure.clear();
  const int result = glob(pattern.c_str(), GLOB_NOSORT, KeepGlobFailure, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  if (result == 0) return paths;
  if (result == GLOB_NOMATCH) {
    return absl::NotFoundError(absl::StrCat("no file matches '", pattern, "'"));
  }
  if (result == GLOB_NOSPACE) return absl::ResourceExhaustedError("no memory to list files");
  return absl::PermissionDeniedError(glob_failure);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& path_or_glob) {
  if (path_or_glob.empty()) return absl::InvalidArgumentError("the path of a file is empty");
  std::vector<std::string> paths = {path_or_glob};
  const bool is_glob = path_or_glob.find_first_of("*?[") != std::string::npos;
  if (is_glob && !Exists(path_or_glob)) {
    ASSIGN_OR_RETURN(paths, Glob(path_or_glob));
  }
  // By bytes: glob's own order follows the locale.
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) RETURN_IF_ERROR(OpenFile(path).status());
  return paths;
}

absl::StatusOr<FileIdentity> Identify(ByteSource& source) {
  FileIdentity identity{source.path(), source.size(), {}};
  std::vector<char> block(kBlockBytes);
  for (uint64_t position = 0; position < source.size(); position += kBlockBytes) {
    ASSIGN_OR_RETURN(const size_t size, source.ReadAt(position, block.data(), block.size()));
    identity.content.Chain({block.data(), size});
  }
  return identity;
}

}  // namespace streamml::connectors
