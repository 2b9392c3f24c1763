// The reference of the manifest, made from the .proto: its comments, types and rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace streamml::manifest {

struct Reference {
  std::string text;                       // Markdown
  std::vector<std::string> undocumented;  // full names of fields without a comment
};

// `descriptors` is a FileDescriptorSet with job.proto, what it imports, and source information.
absl::StatusOr<Reference> MakeReference(std::string_view descriptors);

}  // namespace streamml::manifest
