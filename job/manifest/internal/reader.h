// From YAML to the job's message, driven by the descriptors and rules of the .proto alone.
#pragma once

#include <string_view>
#include <vector>

#include "google/protobuf/message.h"
#include "job/manifest/diagnostic.h"
#include "job/manifest/internal/yaml_tree.h"
#include "job/manifest/positions.h"

namespace streamml::manifest::internal {

// Most mistakes that are reported; reading stops there.
inline constexpr size_t kMaxErrors = 20;

// Fills `message`, and `positions` with the place of each value. Returns the mistakes, in the order
// of the file; with any, `message` holds what could be read. `file` is what `tree` was read from.
std::vector<Diagnostic> ReadMessage(const YamlTree& tree, std::string_view file,
                                    google::protobuf::Message& message, Positions& positions);

}  // namespace streamml::manifest::internal
