// Checks that a function gets arguments of types it has a form for.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "worker/data/schema.h"
#include "worker/operators/internal/kernels.h"
#include "worker/sql/expression.h"

namespace streamml::operators::internal {

// INVALID_ARGUMENT: "power: takes double precision, got text".
absl::Status CheckSignature(const KernelEntry& entry, const sql::Expression& call,
                            const std::vector<data::Type>& arguments);

}  // namespace streamml::operators::internal
