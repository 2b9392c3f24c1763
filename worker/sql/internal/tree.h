// The parse tree of one statement, read from libpg_query's JSON into plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace streamml::sql::internal {

// A JSON value. Reading a member or item that is not there gives an absent tree, whose own members
// are absent, whose text is empty and whose number is 0: libpg_query leaves out members with zero
// values.
class Tree {
 public:
  bool present() const { return present_; }
  // Member of an object.
  const Tree& operator[](std::string_view member) const;
  // Elements of a list; empty for everything else.
  const std::vector<Tree>& items() const { return names_.empty() ? children_ : Absent().children_; }
  const std::string& text() const { return text_; }
  // A number, or 1 for true.
  int64_t number() const { return number_; }

  // A node is {"A_Expr": {...}}: the name, or "" when this is not a node, and what is in it.
  std::string_view tag() const { return names_.size() == 1 ? std::string_view(names_[0]) : ""; }
  const Tree& body() const { return names_.size() == 1 ? children_[0] : Absent(); }

  // Byte offset of this value in the SQL text: its own "location", else the least one inside it,
  // else `otherwise`.
  int Position(int otherwise = 0) const;

 private:
  friend class TreeReader;
  static const Tree& Absent();
  int LeastLocation() const;

  bool present_ = false;
  int64_t number_ = 0;
  std::string text_;
  std::vector<std::string> names_;  // of children_ when this is an object
  std::vector<Tree> children_;
};

// Text of the last String node of a name list: "count" of pg_catalog.count.
std::string_view LastName(const Tree& names);

// The only statement of `sql` as a node. INVALID_ARGUMENT with offset for texts that are too long,
// not UTF-8, not PostgreSQL's grammar, nested too deeply, or not exactly one statement.
absl::StatusOr<Tree> ParseStatement(std::string_view sql);

}  // namespace streamml::sql::internal
