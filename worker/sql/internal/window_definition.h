// WINDOW clauses and OVER (...): inheritance by name, and the one frame that is supported.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/sql/internal/expression_analyzer.h"
#include "worker/sql/internal/tree.h"

namespace streamml::sql::internal {

// A window as written, with what it inherits. The trees belong to the statement, which outlives
// this.
struct WindowDefinition {
  std::string name;
  const Tree* partition = nullptr;  // list of expressions, or null
  const Tree* order = nullptr;      // list of SortBy, or null
  const Tree* frame = nullptr;      // the WindowDef with frame options and offset
  int position = 0;
};

// A window whose meaning is known. Equal windows have equal partition texts and frames.
struct Window {
  std::vector<Expression> partition;  // over the query's scope; no two alike
  int64_t preceding_us = 0;
};

// All windows of a query by name.
class WindowCatalog {
 public:
  // Reads the WINDOW clause; checks names and inheritance.
  absl::Status ReadClause(const Tree& window_clause);
  // The definition of OVER name or OVER (...); `over` is the WindowDef, `position` the call's.
  absl::StatusOr<WindowDefinition> Find(const Tree& over, int position) const;

 private:
  const WindowDefinition* FindByName(std::string_view name) const;
  absl::Status UnknownWindow(std::string_view name, int position) const;
  absl::StatusOr<WindowDefinition> Inherit(const Tree& window, int position) const;

  std::vector<WindowDefinition> windows_;
};

// Types the partition keys, checks that ORDER BY is the event time column and that the frame is
// RANGE INTERVAL .. PRECEDING to the current row.
absl::StatusOr<Window> ReadWindow(const WindowDefinition& definition, const Scope& scope,
                                  CopyBudget& budget);

}  // namespace streamml::sql::internal
