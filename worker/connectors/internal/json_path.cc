#include "worker/connectors/internal/json_path.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::connectors::internal {
namespace {

using Keys = std::vector<std::string>;

absl::Status BadPath(const SourceColumn& column, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("column '", column.name, "': path '", column.path,
                                                 "': ", why,
                                                 ", allowed: a key, a JSON Pointer /a/b or $.a.b"));
}

// RFC 6901, section 4: ~1 is '/', ~0 is '~', any other '~' is an error.
std::optional<std::string> Unescape(std::string_view token) {
  std::string key;
  for (size_t index = 0; index < token.size(); ++index) {
    if (token[index] != '~') {
      key.push_back(token[index]);
      continue;
    }
    ++index;
    const char code = index < token.size() ? token[index] : '\0';
    if (code != '0' && code != '1') return std::nullopt;
    key.push_back(code == '0' ? '~' : '/');
  }
  return key;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

absl::StatusOr<Keys> ParsePath(const SourceColumn& column) {
  const std::string_view path = column.path;
  Keys keys;
  if (path.empty()) {
    keys.push_back(column.name);
  } else if (path.front() == '/') {
    for (const std::string_view token : Split(path.substr(1), '/')) {
      auto key = Unescape(token);
      if (!key.has_value()) return BadPath(column, "'~' must be followed by 0 or 1");
      keys.push_back(*std::move(key));
    }
  } else if (path.front() == '$') {
    if (!path.starts_with("$.")) return BadPath(column, "expected '.' behind '$'");
    for (const std::string_view key : Split(path.substr(2), '.')) {
      if (key.empty()) return BadPath(column, "an empty key");
      if (key.find_first_of("[]*?'\"()@") != std::string_view::npos) {
        return BadPath(column, absl::StrCat("'", key, "' is more than a plain key"));
      }
      keys.emplace_back(key);
    }
  } else {
    keys.emplace_back(path);
  }
  if (keys.size() >= kMaxJsonDepth) return BadPath(column, "too deep");
  return keys;
}

std::string AppendPointer(std::string pointer, std::string_view key) {
  pointer.push_back('/');
  for (const char character : key) {
    if (character == '~') {
      pointer.append("~0");
    } else if (character == '/') {
      pointer.append("~1");
    } else {
      pointer.push_back(character);
    }
  }
  return pointer;
}

PathNode& ChildOf(PathNode& node, const std::string& key) {
  for (PathNode& child : node.children) {
    if (child.key == key) return child;
  }
  PathNode& child = node.children.emplace_back();
  child.key = key;
  child.pointer = AppendPointer(node.pointer, key);
  return child;
}

absl::Status AddColumn(const std::vector<SourceColumn>& columns, int index, PathNode& root) {
  ASSIGN_OR_RETURN(const Keys keys, ParsePath(columns[index]));
  const auto overlap = [&](int other) {
    return absl::InvalidArgumentError(
        absl::StrCat("columns '", columns[other].name, "' and '", columns[index].name,
                     "' read overlapping paths; read the value once and name it twice in a view"));
  };
  PathNode* node = &root;
  for (const std::string& key : keys) {
    node = &ChildOf(*node, key);
    if (node->column != PathNode::kNoColumn) return overlap(node->column);
    node->columns.push_back(index);
  }
  if (node->columns.size() > 1) return overlap(node->columns.front());
  node->column = index;
  return absl::OkStatus();
}

// RFC 6901, section 4: digits without a leading zero.
bool IsIndex(std::string_view key) {
  return !key.empty() && key.find_first_not_of("0123456789") == std::string_view::npos &&
         (key.size() == 1 || key.front() != '0');
}

void FindKeyedColumns(PathNode& node) {
  for (PathNode& child : node.children) {
    if (node.keyed_column == PathNode::kNoColumn && !IsIndex(child.key)) {
      node.keyed_column = child.columns.front();
    }
    FindKeyedColumns(child);
  }
}

void SortByKey(PathNode& node) {
  node.by_key.resize(node.children.size());
  std::iota(node.by_key.begin(), node.by_key.end(), 0U);
  std::sort(node.by_key.begin(), node.by_key.end(),
            [&](uint32_t a, uint32_t b) { return node.children[a].key < node.children[b].key; });
  for (PathNode& child : node.children) SortByKey(child);
}

}  // namespace

const PathNode* PathNode::Find(std::string_view child_key, size_t& hint) const {
  if (hint < children.size() && children[hint].key == child_key) return &children[hint++];
  const auto found = std::lower_bound(
      by_key.begin(), by_key.end(), child_key,
      [&](uint32_t index, std::string_view wanted) { return children[index].key < wanted; });
  if (found == by_key.end() || children[*found].key != child_key) return nullptr;
  hint = *found + size_t{1};
  return &children[*found];
}

absl::StatusOr<PathNode> MakePathTree(const std::vector<SourceColumn>& columns) {
  PathNode root;
  for (size_t index = 0; index < columns.size(); ++index) {
    RETURN_IF_ERROR(AddColumn(columns, static_cast<int>(index), root));
  }
  FindKeyedColumns(root);
  SortByKey(root);
  return root;
}

}  // namespace streamml::connectors::internal
