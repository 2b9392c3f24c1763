// Rows into frames, and answers over frames into columns: what window operators do row by row.
#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "worker/data/batch.h"
#include "worker/operators/internal/drop_failed.h"
#include "worker/operators/internal/window_plan.h"
#include "worker/operators/operator.h"

namespace streamml::operators::internal {

// One row of a batch as frames take it. Points into the batch.
class WindowRow {
 public:
  WindowRow(const FrameLayout& layout, const data::Batch& input, size_t row);
  FrameRow row() const { return {time_, nulls_, {values_.data(), size_}, {texts_.data(), size_}}; }

 private:
  int64_t time_;
  size_t size_;
  uint32_t nulls_ = 0;
  std::array<uint64_t, kMaxArguments> values_;
  std::array<std::string_view, kMaxArguments> texts_;
};

// The answers of one batch, a row after the other.
class WindowAnswers {
 public:
  // The plan must outlive the answers.
  WindowAnswers(const WindowPlan& plan, size_t num_rows);
  // The answers over `frame`, which is not empty, are those of the next row.
  void Append(Frame& frame);
  // The rows of `input` with their answers; those whose answers cannot be given are dropped.
  data::Batch Finish(const data::Batch& input, Dropped& dropped) &&;

 private:
  const WindowPlan& plan_;
  uint32_t num_rows_ = 0;
  std::vector<std::shared_ptr<data::Column>> columns_;
  std::vector<FailedValue> failed_;
};

}  // namespace streamml::operators::internal
