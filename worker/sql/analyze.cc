#include "worker/sql/analyze.h"

#include "base/status.h"
#include "worker/sql/internal/select.h"
#include "worker/sql/internal/tree.h"

namespace streamml::sql {

absl::StatusOr<std::unique_ptr<Node>> Analyze(std::string_view sql, const Catalog& catalog) {
  ASSIGN_OR_RETURN(const internal::Tree statement, internal::ParseStatement(sql));
  return internal::AnalyzeStatement(statement, catalog);
}

}  // namespace streamml::sql
