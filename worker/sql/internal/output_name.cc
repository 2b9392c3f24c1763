#include "worker/sql/internal/output_name.h"

#include <string_view>

namespace streamml::sql::internal {
namespace {

struct Guess {
  std::string_view name;
  bool is_strong = false;  // a weak one gives way to the type of a cast
};

Guess GuessName(const Tree& node) {
  const std::string_view tag = node.tag();
  const Tree& body = node.body();
  if (tag == "ColumnRef") return {LastName(body["fields"]), true};
  if (tag == "FuncCall") return {LastName(body["funcname"]), true};
  if (tag == "CoalesceExpr") return {"coalesce", true};
  if (tag == "MinMaxExpr") return {body["op"].text() == "IS_GREATEST" ? "greatest" : "least", true};
  if (tag == "A_Expr" && body["kind"].text() == "AEXPR_NULLIF") return {"nullif", true};
  if (tag == "TypeCast") {
    const Guess inner = GuessName(body["arg"]);
    return inner.is_strong ? inner : Guess{LastName(body["typeName"]["names"]), false};
  }
  if (tag == "CaseExpr") {
    const Guess inner = GuessName(body["defresult"]);
    return inner.is_strong ? inner : Guess{"case", false};
  }
  return {};
}

}  // namespace

std::string OutputName(const Tree& expression) { return std::string(GuessName(expression).name); }

}  // namespace streamml::sql::internal
