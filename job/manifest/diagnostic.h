// Messages about a manifest, for the person who wrote it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "job/manifest/positions.h"

namespace streamml::manifest {

enum class Severity {
  kError,     // the manifest is wrong
  kNotBuilt,  // the manifest is right, but this build cannot do it yet
};

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string path;  // as in positions.h, with names where entries have them; may be empty
  Position position;
  std::string message;  // what, the value seen, what is allowed
};

// "job.yaml:12:7: spec.sources[payments].format: message", without what is not known.
std::string Format(const Diagnostic& diagnostic, std::string_view file_name);

// OK if there are none, else INVALID_ARGUMENT with one line each.
absl::Status ToStatus(absl::Span<const Diagnostic> diagnostics, std::string_view file_name);

}  // namespace streamml::manifest
