// Sends rows with failed values to the dead letters.
#pragma once

#include <string>
#include <vector>

#include "worker/data/batch.h"
#include "worker/operators/evaluate.h"
#include "worker/operators/operator.h"

namespace streamml::operators::internal {

// Adds ` in column 'name'` to the reasons from `begin` on.
void NameColumn(const std::string& name, size_t begin, std::vector<FailedValue>& failed);

// `output` has the rows of `input`. Removes those named in `failed`, in any order and perhaps
// several times, and reports each once, for the reason that comes first in `failed`.
data::Batch DropFailed(const data::Batch& input, data::Batch output,
                       std::vector<FailedValue> failed, Dropped& dropped);

}  // namespace streamml::operators::internal
