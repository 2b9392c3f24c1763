// What PostgreSQL's grammar lets through and StreamML does not support: one table, so that the list
// in docs/sql.md, the messages and the tests have one source.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace streamml::sql::internal {

enum class Subject : uint8_t {
  kStatement,   // tag of the statement
  kClause,      // member of SelectStmt
  kFrom,        // tag in FROM
  kNode,        // tag of an expression
  kExpression,  // kind of an A_Expr
  kOperator,    // its name
  kFunction,    // its name
  kOption,      // member of FuncCall
  kType,        // name of a type
};

struct Refusal {
  Subject subject;
  std::string_view key;      // as libpg_query spells it
  std::string_view what;     // "<what> is not supported"
  std::string_view instead;  // what to write, or why not
};

const std::vector<Refusal>& Refusals();

// The entry of the table, or null.
const Refusal* FindRefusal(Subject subject, std::string_view key);
absl::Status Refuse(const Refusal& refusal, int position);

}  // namespace streamml::sql::internal
