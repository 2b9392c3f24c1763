// OVER (PARTITION BY .. ORDER BY event time RANGE .. PRECEDING) for views that emit on arrival:
// each row is answered as it comes, over the rows of its partition in [t - preceding, t] that have
// come so far, itself included, t being its event time.
#pragma once

#include <memory>

#include "worker/operators/operator.h"

namespace streamml::operators {

// For the table. Rows may come in any order, but none older than what Forget was told. Rows of one
// time that come later are not seen, unlike in event order. Partitions, types, sums and failures
// are MakeWindow's. Where rows come in order of event time, and no two of a key at one time, the
// answers are the same.
//
// State: one entry for each partition key, holding the rows that a row which is not older than the
// watermark can still need. Bound: the rows of the keys seen within `preceding`, at most an eighth
// of it (at least a second) more, and what the source's watermark is behind.
//
// A row that is older than one of its key before takes time and memory in proportion to the rows
// that are kept of the key.
absl::StatusOr<std::unique_ptr<Operator>> MakeArrivalWindow(
    const sql::Node& node, const std::shared_ptr<const data::Schema>& input,
    const OperatorContext& context);

}  // namespace streamml::operators
