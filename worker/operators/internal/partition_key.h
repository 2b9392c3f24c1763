// Partition keys as bytes: equal keys have equal bytes, and only those.
#pragma once

#include <string>
#include <vector>

#include "worker/data/batch.h"

namespace streamml::operators::internal {

// Appends the values of `columns` in `row`. NULL equals NULL, NaN equals NaN, -0 equals +0, as in
// PostgreSQL's PARTITION BY.
void AppendPartitionKey(const data::Batch& batch, size_t row, const std::vector<size_t>& columns,
                        std::string& out);

}  // namespace streamml::operators::internal
