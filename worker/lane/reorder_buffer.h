// Rows that were read but whose turn has not come: released in order of origin as the watermark
// passes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <queue>
#include <vector>

#include "worker/data/batch.h"
#include "worker/lane/input.h"

namespace streamml::lane {

// For each input it also knows the low point: where reading must start again to see every row that
// has not been released. That is what makes the buffer no part of the state: it is read again. One
// thread.
class ReorderBuffer {
 public:
  ReorderBuffer(std::shared_ptr<const data::Schema> schema, size_t num_inputs);

  // Adds the on-time rows of a block of `input`, leaving out rows older than `frontier`, which were
  // released in an earlier life. Blocks of one input come in order.
  // Returns how many were left out.
  size_t Add(size_t input, const Block& block, int64_t frontier);

  // Rows older than `bound` in order of origin: at least `min_rows` of them if there are as many,
  // and then all that share the last one's event time. Empty when there are none.
  data::Batch Release(int64_t bound, size_t min_rows);

  // Event time of the first row still held, or kMaxTime.
  int64_t FirstTime() const;
  size_t num_rows() const { return ordered_.size() + heap_.size(); }
  // Where reading `input` must start again; `end` is how far it was read.
  InputPoint LowPoint(size_t input, const InputPoint& end) const;

 private:
  struct HeldBlock {
    data::Batch rows;
    InputPoint start;
    size_t num_held = 0;
  };
  struct HeldRow {
    data::Origin origin;
    HeldBlock* block = nullptr;
    uint32_t row = 0;
    uint32_t input = 0;
    friend bool operator>(const HeldRow& a, const HeldRow& b) { return a.origin > b.origin; }
  };

  const HeldRow& First() const;
  void PopFirst();

  std::shared_ptr<const data::Schema> schema_;
  data::BatchBuilder builder_;
  // Rows that came in order stand in a queue; only those out of order pay for a heap.
  std::deque<HeldRow> ordered_;
  std::priority_queue<HeldRow, std::vector<HeldRow>, std::greater<>> heap_;
  std::vector<std::deque<std::unique_ptr<HeldBlock>>> blocks_;  // by input
};

}  // namespace streamml::lane
