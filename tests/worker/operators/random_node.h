// Random plan nodes and rows, for laws that hold for every operator.
#pragma once

#include <memory>
#include <optional>

#include "tests/support/random.h"
#include "worker/data/batch.h"
#include "worker/sql/plan.h"

namespace streamml::operators {

// One column of each type, two of the numbers.
std::shared_ptr<const data::Schema> RandomSchema();
// Rows with NULLs, NaNs, infinities, zeros of both signs, peers and numbers that overflow; in order
// of origin, or some of them up to `disorder_us` behind those before.
data::Batch RandomRows(support::Random& random, size_t rows, int64_t disorder_us = 0);
// Of any function that gives the type; now and then over constants, NULLs and failing parts.
sql::Expression RandomExpression(support::Random& random, data::Type type, int depth);
// A node of the kind over RandomSchema(), or nothing if the kind is not known here.
std::optional<sql::Node> RandomNode(support::Random& random, sql::Node::Kind kind);

}  // namespace streamml::operators
