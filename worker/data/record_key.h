// Keys of records as people and other programs know them.
#pragma once

#include <string>
#include <vector>

#include "worker/data/batch.h"

namespace streamml::data {

// Appends the key that a record about `row` has in a topic: the bytes of one column's text; of one
// column of another type, or NULL, its value as JSON; of several columns a JSON array of their
// values.
void AppendRecordKey(const Batch& batch, size_t row, const std::vector<size_t>& columns,
                     std::string& out);

}  // namespace streamml::data
