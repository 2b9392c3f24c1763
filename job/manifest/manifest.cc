#include "job/manifest/manifest.h"

#include <vector>

#include "base/status.h"
#include "job/manifest/diagnostic.h"
#include "job/manifest/internal/defaults.h"
#include "job/manifest/internal/reader.h"
#include "job/manifest/internal/yaml_tree.h"

namespace streamml::manifest {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

absl::Status Refuse(Position position, std::string message, std::string_view file_name) {
  return ToStatus({{Severity::kError, "", position, std::move(message)}}, file_name);
}

}  // namespace

absl::StatusOr<Manifest> Parse(std::string_view yaml, std::string_view file_name) {
  if (yaml.size() > kMaxManifestBytes) {
    return Refuse({}, absl::StrCat(yaml.size(), " bytes; allowed are ", kMaxManifestBytes),
                  file_name);
  }
  if (yaml.starts_with(kByteOrderMark)) yaml.remove_prefix(kByteOrderMark.size());
  Manifest manifest{.job = {}, .positions = Positions(yaml), .file_name = std::string(file_name)};
  internal::YamlTree tree;
  if (const auto error = internal::ReadYaml(yaml, tree)) {
    return Refuse(manifest.positions.At(error->offset), error->message, file_name);
  }
  if (tree.root < 0) return Refuse({}, "empty; a manifest begins with apiVersion", file_name);
  std::vector<Diagnostic> errors =
      internal::ReadMessage(tree, yaml, manifest.job, manifest.positions);
  if (errors.size() >= internal::kMaxErrors) {
    errors.push_back(
        {Severity::kError, "", {}, "there may be more mistakes; reading stopped here"});
  }
  if (!errors.empty()) return ToStatus(errors, file_name);
  internal::FillDefaults(manifest.job);
  return manifest;
}

}  // namespace streamml::manifest
