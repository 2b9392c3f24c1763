#include "worker/data/batch.h"

#include <gtest/gtest.h>

#include <limits>

namespace streamml::data {
namespace {

std::shared_ptr<const Schema> AllTypes() {
  return std::make_shared<Schema>(std::vector<Field>{{"flag", Type::kBoolean},
                                                     {"count", Type::kBigint},
                                                     {"amount", Type::kDouble},
                                                     {"name", Type::kText},
                                                     {"at", Type::kTimestamp}},
                                  4);
}

// Rows whose values follow from their number; every third value of a row is NULL, row 4 has failed.
Batch SomeRows(uint64_t rows) {
  BatchBuilder builder(AllTypes());
  for (uint64_t row = 0; row < rows; ++row) {
    builder.AddOrigin({static_cast<int64_t>(row) * 10, 1, 2, row});
    builder.column(0).AppendBoolean(row % 2 == 1);
    row % 3 == 0 ? builder.column(1).AppendNull()
                 : builder.column(1).AppendInteger(static_cast<int64_t>(row));
    row == 4 ? builder.column(2).AppendFailed() : builder.column(2).AppendDouble(row / 4.0);
    row % 3 == 1 ? builder.column(3).AppendNull()
                 : builder.column(3).AppendText("row " + std::to_string(row));
    builder.column(4).AppendInteger(static_cast<int64_t>(row) * 10);
  }
  return builder.Finish();
}

TEST(ColumnTest, EmptyValuesReadAsZeroAndKeepTheirMarks) {
  Column column(Type::kText);
  column.AppendText("a");
  column.AppendNull();
  column.AppendFailed();
  column.AppendText("");
  column.AppendText("bc");
  EXPECT_EQ(column.size(), 5U);
  EXPECT_EQ(column.Text(0), "a");
  EXPECT_TRUE(column.IsNull(1));
  EXPECT_EQ(column.Text(1), "");
  EXPECT_EQ(column.mark(2), Mark::kFailed);
  EXPECT_TRUE(column.HasValue(3));
  EXPECT_EQ(column.Text(4), "bc");
}

TEST(ColumnTest, NumbersAreReadAsDoubles) {
  Column boolean(Type::kBoolean);
  boolean.AppendBoolean(true);
  Column bigint(Type::kBigint);
  bigint.AppendInteger(std::numeric_limits<int64_t>::min());
  Column number(Type::kDouble);
  number.AppendDouble(0.5);
  EXPECT_EQ(boolean.AsDouble(0), 1.0);
  EXPECT_EQ(bigint.AsDouble(0), -9223372036854775808.0);
  EXPECT_EQ(number.AsDouble(0), 0.5);
}

TEST(BatchTest, TakeCopiesRowsInTheGivenOrder) {
  const Batch batch = SomeRows(6);
  const Batch taken = Take(batch, {5, 4, 4, 0});
  ASSERT_EQ(taken.num_rows(), 4U);
  EXPECT_EQ(taken.origin(0).offset, 5U);
  EXPECT_EQ(taken.column(3).Text(0), "row 5");
  EXPECT_EQ(taken.column(2).mark(1), Mark::kFailed);
  EXPECT_TRUE(taken.column(3).IsNull(2));
  EXPECT_TRUE(taken.column(1).IsNull(3));
  EXPECT_FALSE(taken.column(0).Boolean(3));
  EXPECT_EQ(taken.column(4).Integer(0), 50);
}

TEST(BatchTest, TakingNothingGivesAnEmptyBatchOfTheSchema) {
  const Batch taken = Take(SomeRows(3), {});
  EXPECT_EQ(taken.num_rows(), 0U);
  EXPECT_EQ(taken.schema(), *AllTypes());
}

TEST(BatchTest, FinishLeavesTheBuilderEmptyAndTheBatchAlone) {
  BatchBuilder builder(AllTypes());
  builder.Append(SomeRows(3));
  const Batch first = builder.Finish();
  EXPECT_EQ(builder.num_rows(), 0U);
  builder.Append(SomeRows(2));
  builder.Append(SomeRows(2));
  const Batch second = builder.Finish();
  EXPECT_EQ(first.num_rows(), 3U);
  ASSERT_EQ(second.num_rows(), 4U);
  EXPECT_EQ(first.column(3).Text(2), "row 2");
  EXPECT_EQ(second.column(3).Text(2), "row 0");
  EXPECT_EQ(second.origin(3).offset, 1U);
}

TEST(BatchTest, OriginsAreOrderedByTimeThenSourcePartitionAndOffset) {
  const Origin origin{5, 1, 1, 1};
  EXPECT_LT((Origin{4, 9, 9, 9}), origin);
  EXPECT_LT((Origin{5, 0, 9, 9}), origin);
  EXPECT_LT((Origin{5, 1, 0, 9}), origin);
  EXPECT_LT((Origin{5, 1, 1, 0}), origin);
}

TEST(BatchDeathTest, ColumnsOfDifferentLengthsAreABug) {
  BatchBuilder builder(AllTypes());
  builder.AddOrigin({});
  EXPECT_DEATH(builder.Finish(), "differ in length");
}

}  // namespace
}  // namespace streamml::data
