// OVER (PARTITION BY .. ORDER BY event time RANGE .. PRECEDING): each row with aggregates over the
// rows of its partition in [t - preceding, t], t being its event time; all rows of time t are in
// it.
#pragma once

#include <memory>

#include "worker/operators/operator.h"

namespace streamml::operators {

// For the table. Rows come in order of event time, all of one time in one batch; INTERNAL
// otherwise.
//
// Partitions: NULLs are one value, as are NaNs, and -0 is +0. count is exact; sum and avg of bigint
// are computed from the exact sum in 128 bits; a sum beyond bigint fails the row ("bigint out of
// range"). The sum of doubles is a function of the rows in the frame alone, with an error of a few
// tens of units in the last place of the sum of absolute values (see FrameAnswers); it fails the
// row when it overflows
// ("value out of range: overflow"), not when the input holds infinities. min and max give the first
// of equal values; NaN is above everything. A row that fails still counts in the frames of others.
//
// State: one entry for each partition key, holding the times and arguments of the rows in its
// frame. Rows leave a frame when a later row of the key comes; a key leaves when the event time has
// passed its last row by `preceding` and at most an eighth of it (at least a second) more. Bound:
// the rows of the keys seen within that time.
absl::StatusOr<std::unique_ptr<Operator>> MakeWindow(
    const sql::Node& node, const std::shared_ptr<const data::Schema>& input,
    const OperatorContext& context);

}  // namespace streamml::operators
