#include "job/manifest/bind.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "base/status.h"
#include "base/wording.h"
#include "job/manifest/diagnostic.h"

namespace streamml::manifest {
namespace {

std::vector<std::string> SourceNames(const Manifest& manifest) {
  std::vector<std::string> names;
  for (const auto& source : manifest.job.spec().sources()) names.push_back(source.name());
  return names;
}

// What a manifest names lies beside it, wherever the command is given.
std::string FromManifest(const Manifest& manifest, const std::string& file) {
  const size_t slash = manifest.file_name.rfind('/');
  if (file.starts_with('/') || slash == std::string::npos) return file;
  return absl::StrCat(manifest.file_name.substr(0, slash + 1), file);
}

}  // namespace

absl::StatusOr<Bindings> ParseBindings(absl::Span<const std::string> flags) {
  Bindings bindings;
  for (const std::string& flag : flags) {
    const size_t equals = flag.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == flag.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--bind ", Quoted(flag), ": expected NAME=FILE, the name of a source and a file"));
    }
    std::vector<std::string>& files = bindings[flag.substr(0, equals)];
    std::string file = flag.substr(equals + 1);
    if (std::find(files.begin(), files.end(), file) != files.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--bind ", Quoted(flag), ": given twice; a file is read once"));
    }
    files.push_back(std::move(file));
  }
  return bindings;
}

absl::StatusOr<Bindings> ResolveFiles(const Manifest& manifest, const Bindings& bindings) {
  const std::vector<std::string> names = SourceNames(manifest);
  std::vector<Diagnostic> errors;
  for (const auto& [name, files] : bindings) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    errors.push_back(
        {Severity::kError,
         "",
         {},
         absl::StrCat("--bind ", name, "=", files.front(), ": no source ", Quoted(name),
                      DidYouMean(name, names), "; sources are ", absl::StrJoin(names, ", "))});
  }
  Bindings resolved;
  for (const auto& source : manifest.job.spec().sources()) {
    const auto bound = bindings.find(source.name());
    if (bound != bindings.end()) {
      resolved[source.name()] = bound->second;
    } else if (!source.file().empty()) {
      resolved[source.name()] = {FromManifest(manifest, source.file())};
    }
  }
  if (!errors.empty()) return ToStatus(errors, manifest.file_name);
  return resolved;
}

}  // namespace streamml::manifest
