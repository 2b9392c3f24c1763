// Rows that failed, as the dead-letter relation shows them.
#pragma once

#include <cstddef>
#include <string>

#include "worker/data/batch.h"
#include "worker/operators/operator.h"

namespace streamml::operators {

// The error of row `row` of an operator's input: origin, reason, and the row as one JSON object
// with the columns in their order and values as in worker/data/json_text.h.
RowError MakeRowError(const data::Batch& input, size_t row, std::string reason);

}  // namespace streamml::operators
