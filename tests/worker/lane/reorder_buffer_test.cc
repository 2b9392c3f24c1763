#include "worker/lane/reorder_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/random.h"
#include "tests/worker/lane/rows.h"

namespace streamml::lane {
namespace {

using testing::ElementsAre;

Block MakeBlock(uint64_t first_ordinal, const std::vector<TestRow>& rows) {
  Block block;
  block.rows = MakeBatch(rows);
  block.num_records = rows.size();
  block.start.ordinal = first_ordinal;
  block.end.ordinal = first_ordinal + rows.size();
  return block;
}

TEST(ReorderBufferTest, RowsLeaveInOrderOfOriginWhateverTheirInput) {
  ReorderBuffer buffer(TestSchema(), 2);
  buffer.Add(0, MakeBlock(0, {{{5, 0, 1, 0}, "a"}, {{3, 0, 1, 1}, "b"}, {{5, 0, 1, 2}, "c"}}),
             data::kMinTime);
  buffer.Add(1, MakeBlock(0, {{{5, 0, 0, 7}, "d"}, {{4, 1, 0, 8}, "e"}}), data::kMinTime);
  EXPECT_EQ(buffer.FirstTime(), 3);
  EXPECT_THAT(Texts(buffer.Release(6, 100)),
              ElementsAre("3/0/1/1 b", "4/1/0/8 e", "5/0/0/7 d", "5/0/1/0 a", "5/0/1/2 c"));
  EXPECT_EQ(buffer.FirstTime(), data::kMaxTime);
  EXPECT_EQ(buffer.num_rows(), 0);
}

TEST(ReorderBufferTest, RowsAtTheBoundStay) {
  ReorderBuffer buffer(TestSchema(), 1);
  buffer.Add(0, MakeBlock(0, {{{1, 0, 0, 0}, "a"}, {{2, 0, 0, 1}, "b"}}), data::kMinTime);
  EXPECT_THAT(Texts(buffer.Release(2, 100)), ElementsAre("1/0/0/0 a"));
  EXPECT_EQ(buffer.Release(2, 100).num_rows(), 0);
  EXPECT_THAT(Texts(buffer.Release(3, 100)), ElementsAre("2/0/0/1 b"));
}

TEST(ReorderBufferTest, AllRowsOfOneTimeLeaveTogether) {
  ReorderBuffer buffer(TestSchema(), 1);
  buffer.Add(
      0,
      MakeBlock(
          0, {{{1, 0, 0, 0}, "a"}, {{2, 0, 0, 1}, "b"}, {{2, 0, 0, 2}, "c"}, {{3, 0, 0, 3}, "d"}}),
      data::kMinTime);
  EXPECT_EQ(buffer.Release(9, 2).num_rows(), 3);
  EXPECT_EQ(buffer.Release(9, 2).num_rows(), 1);
}

TEST(ReorderBufferTest, RowsBehindTheFrontierWereReleasedInAnEarlierLife) {
  ReorderBuffer buffer(TestSchema(), 1);
  buffer.Add(0, MakeBlock(0, {{{1, 0, 0, 0}, "a"}, {{2, 0, 0, 1}, "b"}}), 2);
  EXPECT_THAT(Texts(buffer.Release(9, 100)), ElementsAre("2/0/0/1 b"));
}

TEST(ReorderBufferTest, TheLowPointIsTheFirstBlockThatStillHoldsARow) {
  ReorderBuffer buffer(TestSchema(), 2);
  const InputPoint end{6, 0, false, 0};
  EXPECT_EQ(buffer.LowPoint(0, end), end);
  buffer.Add(0, MakeBlock(0, {{{1, 0, 0, 0}, "a"}, {{9, 0, 0, 1}, "b"}}), data::kMinTime);
  buffer.Add(0, MakeBlock(2, {{{2, 0, 0, 2}, "c"}}), data::kMinTime);
  buffer.Add(0, MakeBlock(3, {{{8, 0, 0, 3}, "d"}}), data::kMinTime);
  EXPECT_EQ(buffer.LowPoint(0, end).ordinal, 0);
  EXPECT_EQ(buffer.LowPoint(1, end), end);  // the other input holds nothing
  // The first block still holds a row; that the second is empty does not matter yet.
  EXPECT_EQ(buffer.Release(8, 100).num_rows(), 2);
  EXPECT_EQ(buffer.LowPoint(0, end).ordinal, 0);
  EXPECT_EQ(buffer.Release(9, 100).num_rows(), 1);
  EXPECT_EQ(buffer.LowPoint(0, end).ordinal, 0);
  EXPECT_EQ(buffer.Release(10, 100).num_rows(), 1);
  EXPECT_EQ(buffer.LowPoint(0, end), end);
}

// Reading again from the low points gives back what is held: the buffer is no part of the state.
TEST(ReorderBufferTest, ReadingAgainFromTheLowPointsGivesTheSameRows) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    support::Random random(seed);
    std::vector<Block> blocks;
    uint64_t ordinal = 0;
    for (int i = 0; i < 10; ++i) {
      std::vector<TestRow> rows;
      for (uint64_t n = random.Below(5); n > 0; --n) {
        rows.push_back({{random.Between(0, 30), 0, 0, ordinal + rows.size()}, "r"});
      }
      blocks.push_back(MakeBlock(ordinal, rows));
      ordinal += rows.size();
    }
    ReorderBuffer first(TestSchema(), 1);
    for (const Block& block : blocks) first.Add(0, block, data::kMinTime);
    const int64_t frontier = random.Between(0, 31);
    first.Release(frontier, SIZE_MAX);
    const InputPoint low = first.LowPoint(0, {ordinal, 0, false, 0});
    ReorderBuffer second(TestSchema(), 1);
    for (const Block& block : blocks) {
      if (block.start.ordinal >= low.ordinal) second.Add(0, block, frontier);
    }
    EXPECT_EQ(Texts(first.Release(100, SIZE_MAX)), Texts(second.Release(100, SIZE_MAX)))
        << "seed " << seed;
  }
}

}  // namespace
}  // namespace streamml::lane
