// The rows of one window frame of one partition key, and the aggregates over them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "worker/data/schema.h"

namespace streamml::operators::internal {

// What is kept of one argument column. A double's sum needs the tree (see frame.cc), a bigint's
// does not.
struct FrameArgument {
  size_t column = 0;  // of the operator's input
  data::Type type = data::Type::kBigint;
  bool needs_sum = false;
  bool needs_minimum = false;
  bool needs_maximum = false;
  // Places in Frame::words, set by MakeLayout. `count` and the rest of the first line are in the
  // header, the second line is in each row.
  size_t count = 0, integer_sum = 0, num_special = 0;
  size_t value = 0, double_sum = 0, minimum = 0, maximum = 0;
  size_t text = 0;  // in Frame::texts, within a row
};

// How a frame lies in memory. Shared by all keys of one operator.
struct FrameLayout {
  std::vector<FrameArgument> arguments;  // at most kMaxArguments
  size_t header_words = 0;
  size_t row_words = 0;
  size_t row_texts = 0;
  bool needs_tree = false;
};
inline constexpr size_t kMaxArguments = 32;

// Sets the places in `arguments` and the sizes.
FrameLayout MakeLayout(std::vector<FrameArgument> arguments);

// One row as it enters a frame. Bit a of `nulls` is set where argument a is NULL; values[a] holds
// the bits of a number or is unused, texts[a] likewise.
struct FrameRow {
  int64_t time = 0;
  uint32_t nulls = 0;
  absl::Span<const uint64_t> values;
  absl::Span<const std::string_view> texts;
};

// First words of a row: its time; the length of its block (low half) with its NULL bits (high
// half).
inline constexpr size_t kTimeWord = 0;
inline constexpr size_t kBlockWord = 1;

// A value type without methods of its own; the functions below know its layout.
struct Frame {
  std::vector<uint64_t> words;     // header, then row_words for each row
  std::vector<std::string> texts;  // row_texts for each row
  size_t text_bytes = 0;           // of all of them
  uint32_t first = 0;              // rows before it have left the frame
  uint32_t end = 0;
};

inline size_t NumRows(const Frame& frame) { return frame.end - frame.first; }
// Of the last row; the frame is not empty.
int64_t LastTime(const FrameLayout& layout, const Frame& frame);

// Times never decrease from one Append to the next.
void Append(const FrameLayout& layout, const FrameRow& row, Frame& frame);
// Appends copies of those rows of `from` whose times are in [begin, end].
struct TimeRange {
  int64_t begin;
  int64_t end;
};
void AppendRows(const FrameLayout& layout, const Frame& from, TimeRange times, Frame& to);
// Puts a row behind those of its time and before the later ones; as long as the frame.
void Insert(const FrameLayout& layout, const FrameRow& row, Frame& frame);
// Removes the rows before `time`.
void EvictBefore(const FrameLayout& layout, int64_t time, Frame& frame);

// Answers over a frame that is not empty; make a new one after each Append or EvictBefore.
// Arguments are elements of the layout's.
//
// The sum of doubles is defined by the rows in the frame alone, not by how the frame came about.
// Rows of one time are summed in their order. Else the frame is cut in two where the highest bit
// changes in which its first and last times (in microseconds) differ, and its sum is the sum of the
// earlier part plus the sum of the later part. An error of at most (b + p) 2^-53 times the sum of
// the absolute values follows, b being the bits of the frame's length in microseconds plus one, p
// the most rows of one time.
class FrameAnswers {
 public:
  // Settles the tree of `frame`, which changes no answer. Both must outlive the answers.
  FrameAnswers(const FrameLayout& layout, Frame& frame);

  int64_t num_rows() const { return static_cast<int64_t>(NumRows(frame_)); }
  // Rows in which the argument is not NULL. The answers below need one such row.
  int64_t Count(const FrameArgument& argument) const;
  // Of a bigint argument; exact.
  __int128 IntegerSum(const FrameArgument& argument) const;
  // Of a double argument. As IEEE 754 has it where there are NaNs or infinities; else an infinity
  // or NaN means that the sum overflowed.
  double DoubleSum(const FrameArgument& argument) const;
  // Whether a NaN or an infinity is among the values.
  bool HasSpecial(const FrameArgument& argument) const;
  // Row that holds the least or greatest value, the first of equals; see Value and Text.
  uint32_t MinimumRow(const FrameArgument& argument) const;
  uint32_t MaximumRow(const FrameArgument& argument) const;
  // The bits of a number.
  uint64_t Value(const FrameArgument& argument, uint32_t row) const;
  std::string_view Text(const FrameArgument& argument, uint32_t row) const;

 private:
  // Blocks of settled rows whose gaps grow smaller: one for each bit of a time, the first one, and
  // the last of peers.
  static constexpr size_t kMaxBlocks = 68;
  struct Block {
    uint32_t row;
    int gap;
  };

  void Settle();

  const FrameLayout& layout_;
  Frame& frame_;
  size_t num_blocks_ = 0;
  Block blocks_[kMaxBlocks];
};

// Stored form of frames; see state::ExpiringState.
class FrameCodec {
 public:
  // `layout` must outlive the codec.
  explicit FrameCodec(const FrameLayout& layout) : layout_(&layout) {}

  void Encode(const Frame& frame, std::string& out) const;
  bool Decode(std::string_view bytes, Frame& out) const;
  int64_t Time(const Frame& frame) const { return LastTime(*layout_, frame); }
  int64_t Bytes(const Frame& frame) const;

 private:
  const FrameLayout* layout_;
};

}  // namespace streamml::operators::internal
