// YAML as a tree of values. The only face of yaml-cpp in StreamML; none of its types or exceptions
// come through.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace streamml::manifest::internal {

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  size_t offset = 0;            // byte of the file where the value begins, after its anchor
  std::string text{};           // of a scalar
  bool plain = false;           // a scalar without quotes, | or >
  std::vector<int> children{};  // list: entries; map: key, value, key, value ...; indices of nodes
};

// Nodes refer to each other by index; an alias is a second reference to the same node. There are no
// cycles, but a walk can meet a node very often: count what you visit.
struct YamlTree {
  std::vector<YamlNode> nodes;
  int root = -1;
};

struct YamlError {
  size_t offset = 0;
  std::string message;
};

// Reads `text`, UTF-8 without byte order mark, as one document. Returns the first mistake, if there
// is one: not UTF-8, control characters, not YAML, tags, several documents, an alias within its own
// anchor, nesting deeper than yaml-cpp's bound.
std::optional<YamlError> ReadYaml(std::string_view text, YamlTree& tree);

}  // namespace streamml::manifest::internal
