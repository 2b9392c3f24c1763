// WHERE: passes on the rows for which a condition is true.
#pragma once

#include <memory>

#include "worker/operators/operator.h"

namespace streamml::operators {

// For the table. Rows for which the condition is false or NULL are filtered. No state.
absl::StatusOr<std::unique_ptr<Operator>> MakeFilter(
    const sql::Node& node, const std::shared_ptr<const data::Schema>& input,
    const OperatorContext& context);

}  // namespace streamml::operators
