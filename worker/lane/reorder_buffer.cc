#include "worker/lane/reorder_buffer.h"

#include <utility>

namespace streamml::lane {

ReorderBuffer::ReorderBuffer(std::shared_ptr<const data::Schema> schema, size_t num_inputs)
    : schema_(std::move(schema)), builder_(schema_), blocks_(num_inputs) {}

size_t ReorderBuffer::Add(size_t input, const Block& block, int64_t frontier) {
  size_t num_released = 0;
  auto held = std::make_unique<HeldBlock>();
  held->rows = block.rows;
  held->start = block.start;
  for (uint32_t row = 0; row < block.rows.num_rows(); ++row) {
    const data::Origin& origin = block.rows.origin(row);
    if (origin.time < frontier) {
      ++num_released;
      continue;
    }
    const HeldRow held_row{origin, held.get(), row, static_cast<uint32_t>(input)};
    ++held->num_held;
    if (ordered_.empty() || ordered_.back().origin <= origin) {
      ordered_.push_back(held_row);
    } else {
      heap_.push(held_row);
    }
  }
  // An empty block need not be held: reading again from the next one sees all rows.
  if (held->num_held > 0) blocks_[input].push_back(std::move(held));
  return num_released;
}

const ReorderBuffer::HeldRow& ReorderBuffer::First() const {
  if (heap_.empty()) return ordered_.front();
  if (ordered_.empty()) return heap_.top();
  return heap_.top().origin < ordered_.front().origin ? heap_.top() : ordered_.front();
}

void ReorderBuffer::PopFirst() {
  if (!heap_.empty() && &First() == &heap_.top()) {
    heap_.pop();
  } else {
    ordered_.pop_front();
  }
}

int64_t ReorderBuffer::FirstTime() const {
  return num_rows() == 0 ? data::kMaxTime : First().origin.time;
}

data::Batch ReorderBuffer::Release(int64_t bound, size_t min_rows) {
  int64_t last_time = data::kMinTime;
  while (num_rows() > 0) {
    const HeldRow row = First();
    if (row.origin.time >= bound) break;
    if (builder_.num_rows() >= min_rows && row.origin.time != last_time) break;
    PopFirst();
    last_time = row.origin.time;
    for (size_t column = 0; column < schema_->size(); ++column) {
      builder_.column(column).AppendFrom(row.block->rows.column(column), row.row);
    }
    builder_.AddOrigin(row.origin);
    --row.block->num_held;
    std::deque<std::unique_ptr<HeldBlock>>& blocks = blocks_[row.input];
    if (row.block->num_held == 0) row.block->rows = data::Batch();  // its memory
    while (!blocks.empty() && blocks.front()->num_held == 0) blocks.pop_front();
  }
  return builder_.Finish();
}

InputPoint ReorderBuffer::LowPoint(size_t input, const InputPoint& end) const {
  return blocks_[input].empty() ? end : blocks_[input].front()->start;
}

}  // namespace streamml::lane
