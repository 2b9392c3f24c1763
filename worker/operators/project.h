// SELECT: computes columns from columns.
#pragma once

#include <memory>

#include "worker/operators/operator.h"

namespace streamml::operators {

// For the table. Columns that are only passed on are shared, not copied. No state.
absl::StatusOr<std::unique_ptr<Operator>> MakeProject(
    const sql::Node& node, const std::shared_ptr<const data::Schema>& input,
    const OperatorContext& context);

}  // namespace streamml::operators
