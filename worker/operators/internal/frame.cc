// Sums of doubles and extremes are kept in a tree over the rows: a binary trie of their times, in
// which a node with one child is left out. Two neighbouring rows are parted at the highest bit in
// which their times differ, the gap. Each row holds the answers over a block: rows that begin with
// it and make up a whole node, or what the evicted rows left of it. From block to block, gaps that
// grow belong to nodes that are complete; Settle() joins them for good, so that each row is joined
// once (as in a Cartesian tree, J. Vuillemin, "A unifying look at data structures", CACM 23(4),
// 1980). What remains is a chain of blocks with falling gaps, at most one for each bit, folded from
// the right for each answer.
#include "worker/operators/internal/frame.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/log/check.h"
#include "worker/operators/internal/kernels.h"

namespace streamml::operators::internal {

namespace {

using data::Type;

constexpr size_t kFixedWords = 2;  // then come the arguments'
constexpr int kFirstGap = 65;      // above any bit
// Offset of the extreme of a block in which all are NULL.
constexpr uint64_t kNoRow = std::numeric_limits<uint64_t>::max();

uint64_t* RowWords(const FrameLayout& layout, Frame& frame, uint32_t row) {
  return frame.words.data() + layout.header_words + row * layout.row_words;
}
const uint64_t* RowWords(const FrameLayout& layout, const Frame& frame, uint32_t row) {
  return frame.words.data() + layout.header_words + row * layout.row_words;
}

int64_t TimeOf(const uint64_t* words) { return static_cast<int64_t>(words[kTimeWord]); }
uint32_t BlockLength(const uint64_t* words) { return static_cast<uint32_t>(words[kBlockWord]); }
void SetBlockLength(uint64_t* words, uint32_t length) {
  words[kBlockWord] = (words[kBlockWord] & 0xFFFFFFFF00000000ULL) | length;
}
uint32_t Nulls(const uint64_t* words) { return static_cast<uint32_t>(words[kBlockWord] >> 32); }
bool IsNull(const uint64_t* words, size_t argument) { return (Nulls(words) >> argument & 1) != 0; }

double DoubleOf(uint64_t bits) { return std::bit_cast<double>(bits); }

__int128 ReadSum(const uint64_t* words) {
  return static_cast<__int128>(static_cast<unsigned __int128>(words[1]) << 64 | words[0]);
}
void WriteSum(__int128 sum, uint64_t* words) {
  words[0] = static_cast<uint64_t>(sum);
  words[1] = static_cast<uint64_t>(static_cast<unsigned __int128>(sum) >> 64);
}

// Adds (`sign` 1) a row to the header or takes it off (-1).
void Count(const FrameLayout& layout, const uint64_t* row, int64_t sign, Frame& frame) {
  uint64_t* header = frame.words.data();
  for (size_t a = 0; a < layout.arguments.size(); ++a) {
    if (IsNull(row, a)) continue;
    const FrameArgument& argument = layout.arguments[a];
    header[argument.count] += static_cast<uint64_t>(sign);
    if (!argument.needs_sum) continue;
    if (argument.type == Type::kDouble) {
      const bool is_special = !std::isfinite(DoubleOf(row[argument.value]));
      if (is_special) header[argument.num_special] += static_cast<uint64_t>(sign);
    } else {
      const __int128 value = static_cast<int64_t>(row[argument.value]);
      WriteSum(ReadSum(header + argument.integer_sum) + sign * value,
               header + argument.integer_sum);
    }
  }
}

// Moves the rows to the front when at least half are gone, so that each row is moved at most once.
void Compact(const FrameLayout& layout, Frame& frame) {
  constexpr uint32_t kFewRows = 8;
  const size_t live = NumRows(frame);
  if (frame.first < kFewRows || frame.first < live) return;
  uint64_t* rows = frame.words.data() + layout.header_words;
  std::memmove(rows, rows + frame.first * layout.row_words,
               live * layout.row_words * sizeof(uint64_t));
  frame.words.resize(layout.header_words + live * layout.row_words);
  const auto texts = frame.texts.begin();
  const auto stay = texts + static_cast<int64_t>(frame.first * layout.row_texts);
  for (auto text = texts; text != stay; ++text) frame.text_bytes -= text->size();
  frame.texts.erase(texts, stay);
  frame.end = static_cast<uint32_t>(live);
  frame.first = 0;
  // A burst of rows must not hold its memory for ever.
  if (frame.words.capacity() > 512 + 8 * frame.words.size()) frame.words.shrink_to_fit();
}

// The tree's words of a block of one row.
void StartBlock(const FrameLayout& layout, uint64_t* row) {
  for (size_t a = 0; a < layout.arguments.size(); ++a) {
    const FrameArgument& argument = layout.arguments[a];
    const bool is_null = IsNull(row, a);
    if (argument.needs_sum && argument.type == Type::kDouble) {
      // -0 is what changes no sum; NaN and infinities are counted apart.
      const bool counts = !is_null && std::isfinite(DoubleOf(row[argument.value]));
      row[argument.double_sum] = counts ? row[argument.value] : std::bit_cast<uint64_t>(-0.0);
    }
    if (argument.needs_minimum) row[argument.minimum] = is_null ? kNoRow : 0;
    if (argument.needs_maximum) row[argument.maximum] = is_null ? kNoRow : 0;
  }
}

int OrderOfRows(const FrameLayout& layout, const Frame& frame, const FrameArgument& argument,
                uint64_t a, uint64_t b) {
  if (argument.type == Type::kText) {
    return Order(std::string_view(frame.texts[a * layout.row_texts + argument.text]),
                 std::string_view(frame.texts[b * layout.row_texts + argument.text]));
  }
  const uint64_t x = RowWords(layout, frame, static_cast<uint32_t>(a))[argument.value];
  const uint64_t y = RowWords(layout, frame, static_cast<uint32_t>(b))[argument.value];
  if (argument.type == Type::kDouble) return Order(DoubleOf(x), DoubleOf(y));
  return Order(static_cast<int64_t>(x), static_cast<int64_t>(y));
}

// The row of the least (`sign` 1) or greatest (-1) of two, the earlier of equals; kNoRow loses.
struct Candidates {
  uint64_t earlier;
  uint64_t later;
};
uint64_t Better(const FrameLayout& layout, const Frame& frame, const FrameArgument& argument,
                Candidates rows, int sign) {
  if (rows.earlier == kNoRow || rows.later == kNoRow) return std::min(rows.earlier, rows.later);
  const int order = OrderOfRows(layout, frame, argument, rows.later, rows.earlier);
  return order * sign < 0 ? rows.later : rows.earlier;
}

// Row of the extreme of the block that begins at `row`; `place` is `minimum` or `maximum`.
uint64_t ExtremeRow(const FrameLayout& layout, const Frame& frame, uint32_t row, size_t place) {
  const uint64_t offset = RowWords(layout, frame, row)[place];
  return offset == kNoRow ? kNoRow : row + offset;
}

// Joins the block at `row` with the one behind it, at `later`.
void Join(const FrameLayout& layout, Frame& frame, uint32_t row, uint32_t later) {
  uint64_t* words = RowWords(layout, frame, row);
  const uint64_t* later_words = RowWords(layout, frame, later);
  for (const FrameArgument& argument : layout.arguments) {
    const auto join_extreme = [&](size_t place, int sign) {
      const Candidates rows = {ExtremeRow(layout, frame, row, place),
                               ExtremeRow(layout, frame, later, place)};
      const uint64_t best = Better(layout, frame, argument, rows, sign);
      words[place] = best == kNoRow ? kNoRow : best - row;
    };
    if (argument.needs_sum && argument.type == Type::kDouble) {
      words[argument.double_sum] = std::bit_cast<uint64_t>(
          DoubleOf(words[argument.double_sum]) + DoubleOf(later_words[argument.double_sum]));
    }
    if (argument.needs_minimum) join_extreme(argument.minimum, 1);
    if (argument.needs_maximum) join_extreme(argument.maximum, -1);
  }
  SetBlockLength(words, BlockLength(words) + BlockLength(later_words));
}

}  // namespace

FrameLayout MakeLayout(std::vector<FrameArgument> arguments) {
  CHECK(arguments.size() <= kMaxArguments) << "too many arguments";
  FrameLayout layout;
  layout.row_words = kFixedWords;
  for (FrameArgument& argument : arguments) {
    const bool is_text = argument.type == Type::kText;
    const bool in_tree = argument.needs_sum && argument.type == Type::kDouble;
    argument.count = layout.header_words++;
    if (in_tree) argument.num_special = layout.header_words++;
    if (argument.needs_sum && !in_tree) {
      argument.integer_sum = layout.header_words;
      layout.header_words += 2;
    }
    is_text ? argument.text = layout.row_texts++ : argument.value = layout.row_words++;
    if (in_tree) argument.double_sum = layout.row_words++;
    if (argument.needs_minimum) argument.minimum = layout.row_words++;
    if (argument.needs_maximum) argument.maximum = layout.row_words++;
    layout.needs_tree |= in_tree || argument.needs_minimum || argument.needs_maximum;
  }
  layout.arguments = std::move(arguments);
  return layout;
}

int64_t LastTime(const FrameLayout& layout, const Frame& frame) {
  return TimeOf(RowWords(layout, frame, frame.end - 1));
}

void Append(const FrameLayout& layout, const FrameRow& row, Frame& frame) {
  CHECK(frame.end < std::numeric_limits<uint32_t>::max()) << "too many rows in one frame";
  Compact(layout, frame);
  const size_t place = layout.header_words + frame.end * layout.row_words;
  frame.words.resize(place + layout.row_words);
  uint64_t* words = frame.words.data() + place;
  words[kTimeWord] = static_cast<uint64_t>(row.time);
  words[kBlockWord] = static_cast<uint64_t>(row.nulls) << 32 | 1;
  for (size_t a = 0; a < layout.arguments.size(); ++a) {
    const FrameArgument& argument = layout.arguments[a];
    if (argument.type == Type::kText) {
      frame.texts.emplace_back(row.texts[a]);
      frame.text_bytes += row.texts[a].size();
    } else {
      words[argument.value] = row.values[a];
    }
  }
  StartBlock(layout, words);
  Count(layout, words, 1, frame);
  ++frame.end;
}

void AppendRows(const FrameLayout& layout, const Frame& from, TimeRange times, Frame& to) {
  std::array<uint64_t, kMaxArguments> values{};
  std::array<std::string_view, kMaxArguments> texts{};
  const size_t size = layout.arguments.size();
  for (uint32_t row = from.first; row < from.end; ++row) {
    const uint64_t* words = RowWords(layout, from, row);
    if (TimeOf(words) < times.begin) continue;
    if (TimeOf(words) > times.end) return;
    for (size_t a = 0; a < size; ++a) {
      const FrameArgument& argument = layout.arguments[a];
      if (argument.type == Type::kText) {
        texts[a] = from.texts[row * layout.row_texts + argument.text];
      } else {
        values[a] = words[argument.value];
      }
    }
    Append(layout, {TimeOf(words), Nulls(words), {values.data(), size}, {texts.data(), size}}, to);
  }
}

void Insert(const FrameLayout& layout, const FrameRow& row, Frame& frame) {
  Frame result;
  AppendRows(layout, frame, {std::numeric_limits<int64_t>::min(), row.time}, result);
  Append(layout, row, result);
  if (row.time < std::numeric_limits<int64_t>::max()) {
    AppendRows(layout, frame, {row.time + 1, std::numeric_limits<int64_t>::max()}, result);
  }
  frame = std::move(result);
}

void EvictBefore(const FrameLayout& layout, int64_t time, Frame& frame) {
  while (frame.first < frame.end) {
    const uint64_t* row = RowWords(layout, frame, frame.first);
    if (TimeOf(row) >= time) return;
    Count(layout, row, -1, frame);
    ++frame.first;
  }
}

// NOLINTNEXTLINE(*-member-init): blocks are set before they are counted
FrameAnswers::FrameAnswers(const FrameLayout& layout, Frame& frame)
    : layout_(layout), frame_(frame) {
  if (layout.needs_tree) Settle();
}

void FrameAnswers::Settle() {
  uint32_t row = frame_.first;
  int64_t previous = 0;
  while (row < frame_.end) {
    const uint64_t* words = RowWords(layout_, frame_, row);
    if (row != frame_.first) previous = TimeOf(RowWords(layout_, frame_, row - 1));
    const auto differing = static_cast<uint64_t>(TimeOf(words) ^ previous);
    const int gap = row == frame_.first ? kFirstGap : 64 - std::countl_zero(differing);
    while (num_blocks_ >= 2) {
      const Block& last = blocks_[num_blocks_ - 1];
      // Peers, whose gaps are 0, are joined in their order.
      if (last.gap > gap || (last.gap == gap && gap != 0)) break;
      Join(layout_, frame_, blocks_[num_blocks_ - 2].row, last.row);
      --num_blocks_;
    }
    blocks_[num_blocks_++] = {row, gap};
    row += BlockLength(words);
  }
}

int64_t FrameAnswers::Count(const FrameArgument& argument) const {
  return static_cast<int64_t>(frame_.words[argument.count]);
}

__int128 FrameAnswers::IntegerSum(const FrameArgument& argument) const {
  return ReadSum(frame_.words.data() + argument.integer_sum);
}

bool FrameAnswers::HasSpecial(const FrameArgument& argument) const {
  return frame_.words[argument.num_special] != 0;
}

double FrameAnswers::DoubleSum(const FrameArgument& argument) const {
  double sum = -0.0;
  if (HasSpecial(argument)) {
    // Finite values do not matter beside these, whatever the order.
    for (uint32_t row = frame_.first; row < frame_.end; ++row) {
      const uint64_t* words = RowWords(layout_, frame_, row);
      const double value = DoubleOf(words[argument.value]);
      const auto index = static_cast<size_t>(&argument - layout_.arguments.data());
      if (!IsNull(words, index) && !std::isfinite(value)) sum += value;
    }
    return std::isnan(sum) ? std::numeric_limits<double>::quiet_NaN() : sum;
  }
  for (size_t i = num_blocks_; i-- > 0;) {
    const uint64_t* words = RowWords(layout_, frame_, blocks_[i].row);
    sum = i + 1 == num_blocks_ ? DoubleOf(words[argument.double_sum])
                               : DoubleOf(words[argument.double_sum]) + sum;
  }
  return sum;
}

uint32_t FrameAnswers::MinimumRow(const FrameArgument& argument) const {
  uint64_t best = kNoRow;
  for (size_t i = num_blocks_; i-- > 0;) {
    const uint64_t earlier = ExtremeRow(layout_, frame_, blocks_[i].row, argument.minimum);
    best = Better(layout_, frame_, argument, {earlier, best}, 1);
  }
  return static_cast<uint32_t>(best);
}

uint32_t FrameAnswers::MaximumRow(const FrameArgument& argument) const {
  uint64_t best = kNoRow;
  for (size_t i = num_blocks_; i-- > 0;) {
    const uint64_t earlier = ExtremeRow(layout_, frame_, blocks_[i].row, argument.maximum);
    best = Better(layout_, frame_, argument, {earlier, best}, -1);
  }
  return static_cast<uint32_t>(best);
}

uint64_t FrameAnswers::Value(const FrameArgument& argument, uint32_t row) const {
  return RowWords(layout_, frame_, row)[argument.value];
}

std::string_view FrameAnswers::Text(const FrameArgument& argument, uint32_t row) const {
  return frame_.texts[row * layout_.row_texts + argument.text];
}

}  // namespace streamml::operators::internal
