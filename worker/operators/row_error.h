// Rows that failed, as the dead-letter relation shows them.
#pragma once

#include <cstddef>
#include <string>

#include "worker/data/batch.h"
#include "worker/operators/operator.h"

namespace streamml::operators {

// The error of row `row` of an operator's input: origin, reason, and the row as one JSON object
// with the columns in their order. NULL is null, a timestamp is ISO 8601 in UTC, NaN and the
// infinities are the strings that PostgreSQL prints. Numbers are written with all their digits.
RowError MakeRowError(const data::Batch& input, size_t row, std::string reason);

}  // namespace streamml::operators
