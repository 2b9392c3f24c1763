// What a window operator computes, checked: shared by those that differ in when rows come.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/operators/internal/frame.h"
#include "worker/sql/plan.h"

namespace streamml::operators::internal {

inline constexpr size_t kNoArgument = static_cast<size_t>(-1);

// An aggregate and the place of its argument in the layout; kNoArgument: count(*).
struct WindowOutput {
  sql::Aggregate aggregate;
  size_t argument = kNoArgument;
};

struct WindowPlan {
  std::shared_ptr<const data::Schema> schema;  // of the output; shared with its batches
  std::vector<size_t> partition_columns;
  int64_t preceding_us = 0;
  std::vector<WindowOutput> outputs;
  FrameLayout layout;
};

// INVALID_ARGUMENT for a node that is no window over `input`.
absl::StatusOr<WindowPlan> MakeWindowPlan(const sql::Node& node, const data::Schema& input);

// Of all that decides what stored frames mean; `format` names their form.
uint64_t WindowStateHash(std::string_view format, const WindowPlan& plan,
                         const data::Schema& input);

// The first time in the frame of a row of `time`.
int64_t FrameBegin(const WindowPlan& plan, int64_t time);

// How long a key may stay in state beyond its last row's frame.
int64_t ExpiryBucket(const WindowPlan& plan);

}  // namespace streamml::operators::internal
