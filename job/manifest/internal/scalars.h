// Single values of YAML, checked against type and rule of the field they are for. Errors are
// INVALID_ARGUMENT and say what was seen and what is allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "job/manifest/internal/yaml_tree.h"
#include "proto/streamml/options.pb.h"

namespace streamml::manifest::internal {

absl::StatusOr<std::string> ReadText(const YamlNode& node, const Rule& rule);
// `low` and `high` are the bounds of the field's type; the rule may be narrower.
absl::StatusOr<int64_t> ReadInteger(const YamlNode& node, const Rule& rule, int64_t low,
                                    int64_t high);
absl::StatusOr<bool> ReadBoolean(const YamlNode& node);

// "a list", "a mapping", "the text 'x'" ...: what stands there, for messages.
std::string Seen(const YamlNode& node);

}  // namespace streamml::manifest::internal
