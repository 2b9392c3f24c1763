// Rows that could not go their way, as lines of the dead-letter relation.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "worker/operators/operator.h"

namespace streamml::lane::internal {

// A row that failed in an operator, or at a sink.
struct FailedRow {
  std::string_view relation;       // view, model or sink
  std::string_view operator_name;  // "project0", "sink"
  size_t dead_sink = 0;
  operators::RowError error;
};

// {"relation":..,"operator":..,"source":..,"partition":..,"record":..,"reason":..,"row":..}, with
// "event" behind the record where it is not the record's first, and "rowCut":true where only the
// first 64 KiB of the row are there. A line is below kMaxRejectBytes.
std::string FailedRowJson(const FailedRow& row);

}  // namespace streamml::lane::internal
