// The names a query can see: one relation's columns under its alias.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/data/schema.h"
#include "worker/sql/internal/tree.h"
#include "worker/sql/internal/typing.h"

namespace streamml::sql::internal {

struct Scope {
  data::Schema schema;
  // Ways to write the relation before a column: {"p"}, {"payments"}, or {"dead"} and {"payments",
  // "dead"}.
  std::vector<std::vector<std::string>> qualifiers;
  std::string hidden_name;  // the relation's own name behind an alias, for messages; else empty

  // Checks the qualifier of a column reference or of x.*.
  absl::Status CheckQualifier(const std::vector<std::string>& qualifier, int position) const;
  absl::StatusOr<Expression> Resolve(std::string_view name, int position) const;
};

// A ColumnRef's parts: qualifier, and the column, which is empty for a star.
struct ColumnName {
  std::vector<std::string> qualifier;
  std::string column;
  bool is_star = false;
};
ColumnName ReadColumnName(const Tree& column_ref_body);

}  // namespace streamml::sql::internal
