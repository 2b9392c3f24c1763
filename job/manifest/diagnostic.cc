#include "job/manifest/diagnostic.h"

#include "absl/strings/str_join.h"
#include "base/status.h"

namespace streamml::manifest {

std::string Format(const Diagnostic& diagnostic, std::string_view file_name) {
  std::string result(file_name);
  if (diagnostic.position.line > 0) {
    absl::StrAppend(&result, ":", diagnostic.position.line, ":", diagnostic.position.column);
  }
  if (!diagnostic.path.empty()) absl::StrAppend(&result, ": ", diagnostic.path);
  absl::StrAppend(&result, result.empty() ? "" : ": ", diagnostic.message);
  return result;
}

absl::Status ToStatus(absl::Span<const Diagnostic> diagnostics, std::string_view file_name) {
  if (diagnostics.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrJoin(diagnostics, "\n", [file_name](std::string* out, const Diagnostic& diagnostic) {
        absl::StrAppend(out, Format(diagnostic, file_name));
      }));
}

}  // namespace streamml::manifest
