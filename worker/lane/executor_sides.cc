// Executor: side inputs, whose rows are not the stage's, and what operators give when time passes.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/lane/executor.h"
#include "worker/lane/internal/failed_row.h"

namespace streamml::lane {

bool Executor::InOrder(size_t input) const {
  return input < num_main_inputs() || stage_.sides[input - num_main_inputs()].in_order;
}

bool Executor::WaitsForSides() const {
  return std::any_of(stage_.sides.begin(), stage_.sides.end(),
                     [](const SideInput& side) { return side.in_order; });
}

// What has come on the side inputs that hold nothing back. Before anything else of a commit, so
// that the journal need not say between which rows it was.
absl::StatusOr<bool> Executor::ReadSides() {
  bool progress = false;
  for (size_t i = num_main_inputs(); i < inputs_.size() && input_failure_.ok(); ++i) {
    while (!InOrder(i)) {
      ASSIGN_OR_RETURN(const bool read, ReadBlock(i));
      if (!read) break;
      progress = true;
    }
  }
  return progress;
}

absl::Status Executor::AcceptSide(size_t input, const Block& block) {
  NoteRead(input, block.end);
  const SideInput& side = stage_.sides[input - num_main_inputs()];
  if (!side.in_order) return operators_[static_cast<size_t>(side.node)]->TakeSide(block.rows);
  const size_t behind = Hold(input, block);
  if (behind == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(inputs_[input]->name(), ": ", behind,
                                          " rows are older than what was processed (", Where(),
                                          ")"));
}

size_t Executor::Hold(size_t input, const Block& block) {
  if (input < num_main_inputs()) return buffer_.Add(input, block, frontier_);
  const size_t side = input - num_main_inputs();
  return side_buffers_[side].Add(0, block, taken_to_[side].value_or(frontier_));
}

// It moves when all inputs have passed it: by then all versions that come again have come.
void Executor::MoveFrontier(int64_t time) {
  if (time <= frontier_) return;
  frontier_ = time;
  taken_to_.assign(taken_to_.size(), std::nullopt);
}

InputPoint Executor::LowPoint(size_t input) const {
  const InputPoint& end = inputs_[input]->position();
  if (input < num_main_inputs()) return buffer_.LowPoint(input, end);
  return side_buffers_[input - num_main_inputs()].LowPoint(0, end);
}

int64_t Executor::FirstSideTime() const {
  int64_t first = data::kMaxTime;
  for (const ReorderBuffer& buffer : side_buffers_) first = std::min(first, buffer.FirstTime());
  return first;
}

int64_t Executor::FirstHeldTime() const { return std::min(buffer_.FirstTime(), FirstSideTime()); }

// Before the first of the stage's rows of that time or later. Those that no row comes after are
// never taken, so that the last state does not depend on how far ahead the side input was read.
absl::Status Executor::TakeSidesAt(int64_t time) {
  for (size_t i = 0; i < side_buffers_.size(); ++i) {
    const data::Batch rows = side_buffers_[i].Release(time + 1, /*min_rows=*/1);
    if (taken_to_[i].has_value()) taken_to_[i] = std::max(*taken_to_[i], time + 1);
    if (rows.num_rows() == 0) continue;
    RETURN_IF_ERROR(operators_[static_cast<size_t>(stage_.sides[i].node)]->TakeSide(rows));
  }
  return absl::OkStatus();
}

// Asks each operator for what is due by the frontier.
absl::Status Executor::PassFrontier() {
  for (size_t i = 0; i < operators_.size(); ++i) {
    ASSIGN_OR_RETURN(const data::Batch rows, operators_[i]->AtFrontier(frontier_));
    if (rows.num_rows() == 0) continue;
    counters_[kFirstNodeCounter + i * kCountersPerNode + 1].second += rows.num_rows();
    const int node = static_cast<int>(i);
    if (std::any_of(stage_.nodes.begin(), stage_.nodes.end(),
                    [node](const NodeSpec& other) { return other.input == node; })) {
      return absl::InternalError("rows of an operator that end there were to be processed further");
    }
    std::vector<internal::FailedRow> failed;
    Emit(node, rows, failed);
    EmitFailed(failed);
  }
  return absl::OkStatus();
}

void Executor::Emit(int node, const data::Batch& rows, std::vector<internal::FailedRow>& failed) {
  for (size_t i = 0; i < stage_.topics.size(); ++i) {
    if (stage_.topics[i].node == node) output_.EmitToTopic(i, rows);
  }
  size_t counter = kFirstNodeCounter + stage_.nodes.size() * kCountersPerNode;  // of the sink
  for (size_t i = 0; i < stage_.sinks.size(); ++i) {
    const SinkOutput& sink = stage_.sinks[i];
    const size_t own_counter = sink.dead_sink >= 0 ? counter++ : counter;
    if (sink.node != node) continue;
    std::vector<operators::RowError> too_large;
    output_.EmitToSink(i, rows, too_large);
    if (sink.dead_sink < 0) continue;
    counters_[own_counter].second += too_large.size();
    for (operators::RowError& error : too_large) {
      failed.push_back({sink.name, "sink", static_cast<size_t>(sink.dead_sink), std::move(error)});
    }
  }
}

}  // namespace streamml::lane
