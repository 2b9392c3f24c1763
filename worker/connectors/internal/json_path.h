// The paths of a source's columns as one tree, walked once per record.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/connectors/format.h"

namespace streamml::connectors::internal {

// A place in a JSON document that a column reads, or that lies on the way to some.
struct PathNode {
  static constexpr int kNoColumn = -1;

  std::string key;
  std::string pointer;       // the whole path as a JSON Pointer, for messages
  int column = kNoColumn;    // a leaf reads exactly one column
  std::vector<int> columns;  // all columns at or below this place
  // A column below a child whose key is no index: where an array stands here, it has no place.
  int keyed_column = kNoColumn;
  std::vector<PathNode> children;
  std::vector<uint32_t> by_key;  // indexes of children, sorted by key

  // The child of that key, or null. `hint` is the index to try first, and is set to the one after
  // the child found: objects of one source mostly have their keys in the same order.
  const PathNode* Find(std::string_view child_key, size_t& hint) const;
};

// Builds the root. INVALID_ARGUMENT for malformed and for overlapping paths, naming the columns.
absl::StatusOr<PathNode> MakePathTree(const std::vector<SourceColumn>& columns);

}  // namespace streamml::connectors::internal
