// Partition keys as bytes: equal keys have equal bytes, and only those.
#pragma once

#include <string>
#include <vector>

#include "worker/data/batch.h"

namespace streamml::data {

// Appends the values of `columns` in `row`: what windows keep state under and re-keys choose
// partitions by. NULL equals NULL, NaN equals NaN, -0 equals +0, as in PostgreSQL's PARTITION BY.
void AppendPartitionKey(const Batch& batch, size_t row, const std::vector<size_t>& columns,
                        std::string& out);

}  // namespace streamml::data
