// One SELECT statement -> plan.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "worker/sql/analyze.h"
#include "worker/sql/internal/tree.h"

namespace streamml::sql::internal {

// `statement` is the node of the statement.
absl::StatusOr<std::unique_ptr<Node>> AnalyzeStatement(const Tree& statement,
                                                       const Catalog& catalog);

}  // namespace streamml::sql::internal
