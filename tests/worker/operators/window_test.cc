// Windows: PostgreSQL's answers on small inputs, and a plain recomputation on random ones.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/random.h"
#include "tests/worker/operators/rows.h"
#include "tests/worker/operators/window_cases.h"

namespace streamml::operators {
namespace {

using data::Type;
using sql::AggregateFunction;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(Window, TheFrameHoldsBothItsEnds) {
  Running window(BigintNode(100), WindowSchema());
  EXPECT_EQ(
      WindowLines(window, {WindowInput(0, "a", int64_t{5}), WindowInput(100, "a", int64_t{3}),
                           WindowInput(101, "a", int64_t{9}), WindowInput(500, "a", int64_t{1})}),
      (Lines{"1, 1, 5, 5, 5, 5", "2, 2, 8, 4, 3, 5", "2, 2, 12, 6, 3, 9", "1, 1, 1, 1, 1, 1"}));
}

TEST(Window, PeersSeeEachOther) {
  Running window(BigintNode(10), WindowSchema());
  EXPECT_EQ(WindowLines(window, {WindowInput(7, "a", int64_t{1}), WindowInput(7, "b", int64_t{10}),
                                 WindowInput(7, "a", int64_t{2}), WindowInput(8, "a", int64_t{4})}),
            (Lines{"2, 2, 3, 1.5, 1, 2", "1, 1, 10, 10, 10, 10", "2, 2, 3, 1.5, 1, 2",
                   "3, 3, 7, 2.3333333333333335, 1, 4"}));
}

TEST(Window, LeavesOutNulls) {
  Running window(BigintNode(10), WindowSchema());
  EXPECT_EQ(WindowLines(window, {WindowInput(1, "a", kNull), WindowInput(2, "a", int64_t{4}),
                                 WindowInput(3, "a", kNull)}),
            (Lines{"1, 0, NULL, NULL, NULL, NULL", "2, 1, 4, 4, 4, 4", "3, 1, 4, 4, 4, 4"}));
}

TEST(Window, WithoutPartitionColumnsAllRowsAreOnePartition) {
  Running window(WindowNode({}, 10, {MakeAggregate(AggregateFunction::kCount, -1, Type::kBigint)}),
                 WindowSchema());
  EXPECT_EQ(WindowLines(window, {WindowInput(1, "a", kNull), WindowInput(2, "b", kNull)}),
            (Lines{"1", "2"}));
}

TEST(Window, PartitionsNullNaNAndZerosAsPostgreSqlDoes) {
  Running window(WindowNode({2}, 10, {MakeAggregate(AggregateFunction::kCount, -1, Type::kBigint)}),
                 WindowSchema());
  EXPECT_EQ(
      WindowLines(window, {WindowInput(1, "a", kNull, kNull), WindowInput(2, "a", kNull, kNull),
                           WindowInput(3, "a", kNull, kNaN), WindowInput(4, "a", kNull, -kNaN),
                           WindowInput(5, "a", kNull, 0.0), WindowInput(6, "a", kNull, -0.0)}),
      (Lines{"1", "2", "1", "2", "1", "2"}));
}

TEST(Window, DoesNotMixUpKeysOfSeveralColumns) {
  Running window(
      WindowNode({0, 3}, 10, {MakeAggregate(AggregateFunction::kCount, -1, Type::kBigint)}),
      WindowSchema());
  EXPECT_EQ(WindowLines(window, {WindowInput(1, "ab", kNull, kNull, "c"),
                                 WindowInput(2, "a", kNull, kNull, "bc"),
                                 WindowInput(3, "ab", kNull, kNull, kNull),
                                 WindowInput(4, "ab", kNull, kNull, "c")}),
            (Lines{"1", "1", "1", "2"}));
}

TEST(Window, SumsOfBigintAreExactAndFailBeyondBigint) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  Running window(BigintNode(10), WindowSchema());
  EXPECT_EQ(WindowLines(window, {WindowInput(1, "a", kMost), WindowInput(2, "a", int64_t{1}),
                                 WindowInput(3, "a", int64_t{-2})}),
            (Lines{"1, 1, 9223372036854775807, 9.223372036854776e+18, 9223372036854775807, "
                   "9223372036854775807",
                   "3, 3, 9223372036854775806, 3.0744573456182584e+18, -2, 9223372036854775807"}));
  ASSERT_EQ(window.dropped.failed.size(), 1u);
  EXPECT_EQ(window.dropped.failed[0].reason, "bigint out of range in column 'a11'");
  EXPECT_EQ(window.dropped.failed[0].row, R"({"key": "a", "n": 1, "x": null, "word": null})");
}

TEST(Window, NothingLargeStaysBehindInASumOfDoubles) {
  Running window(SumNode(10), WindowSchema());
  EXPECT_EQ(WindowLines(window, {WindowInput(1, "a", kNull, 1e17), WindowInput(2, "a", kNull, 1.0),
                                 WindowInput(12, "a", kNull, 0.5)}),
            (Lines{"1e+17, 1e+17", "1e+17, 5e+16", "1.5, 0.75"}));
}

TEST(Window, InfinitiesAndNaNLeaveTheSumWithTheirRows) {
  Running window(SumNode(1), WindowSchema());
  EXPECT_EQ(
      WindowLines(window,
                  {WindowInput(1, "a", kNull, kInfinity), WindowInput(2, "a", kNull, -kInfinity),
                   WindowInput(3, "a", kNull, 1.0), WindowInput(4, "a", kNull, kNaN),
                   WindowInput(5, "a", kNull, kInfinity), WindowInput(7, "a", kNull, 2.0)}),
      (Lines{"Infinity, Infinity", "NaN, NaN", "-Infinity, -Infinity", "NaN, NaN", "NaN, NaN",
             "2, 2"}));
  EXPECT_TRUE(window.dropped.failed.empty());
}

TEST(Window, ASumOfDoublesThatOverflowsFailsTheRowAndOnlyIt) {
  Running window(SumNode(1), WindowSchema());
  EXPECT_EQ(
      WindowLines(window, {WindowInput(1, "a", kNull, 1e308), WindowInput(2, "a", kNull, 1e308),
                           WindowInput(3, "a", kNull, 1.0), WindowInput(4, "a", kNull, 2.0)}),
      (Lines{"1e+308, 1e+308", "1e+308, 5e+307", "3, 1.5"}));
  ASSERT_EQ(window.dropped.failed.size(), 1u);
  EXPECT_EQ(window.dropped.failed[0].reason, "value out of range: overflow in column 'a12'");
}

TEST(Window, FindsExtremesOfDoublesAndTexts) {
  Running window(WindowNode({0}, 2,
                            {MakeAggregate(AggregateFunction::kMinimum, 2, Type::kDouble),
                             MakeAggregate(AggregateFunction::kMaximum, 2, Type::kDouble),
                             MakeAggregate(AggregateFunction::kMinimum, 3, Type::kText),
                             MakeAggregate(AggregateFunction::kMaximum, 3, Type::kText)}),
                 WindowSchema());
  EXPECT_EQ(
      WindowLines(window,
                  {WindowInput(1, "k", kNull, -0.0, "b"), WindowInput(2, "k", kNull, 0.0, kNull),
                   WindowInput(3, "k", kNull, kNaN, "a"), WindowInput(4, "k", kNull, 1.0, "\u00e4"),
                   WindowInput(9, "k", kNull, kNull, kNull)}),
      (Lines{"-0, -0, 'b', 'b'", "-0, -0, 'b', 'b'", "-0, NaN, 'a', 'b'", "0, NaN, 'a', '\u00e4'",
             "NULL, NULL, NULL, NULL"}));
}

TEST(Window, KeysThatDoNotComeBackLeaveTheState) {
  Running window(BigintNode(8'000'000), WindowSchema());
  const state::DeclaredState& state = *window.states->states()[0];
  for (int64_t second = 0; second < 100; ++second) {
    window.Feed(MakeRows(WindowSchema(), {WindowInput(second * 1'000'000,
                                                      "k" + std::to_string(second), int64_t{1})}));
    // 8 s of frame and one bucket of 1 s, both ends included.
    EXPECT_LE(state.num_entries(), 10u);
  }
  window.Feed(MakeRows(WindowSchema(), {WindowInput(500'000'000, "last", int64_t{1})}));
  EXPECT_EQ(state.num_entries(), 1u);
}

TEST(Window, AKeyThatComesBackStays) {
  Running window(BigintNode(8'000'000), WindowSchema());
  int64_t last = 0;
  for (int64_t second = 0; second < 100; second += 7) {
    WindowLines(window,
                {WindowInput(second * 1'000'000, "other" + std::to_string(second), int64_t{1})});
    const Lines lines = WindowLines(window, {WindowInput(second * 1'000'000 + 1, "key", second)});
    if (second > 0) {
      EXPECT_EQ(lines[0].substr(0, 5), "2, 2,") << "at " << second << " after " << last;
    }
    last = second;
  }
}

TEST(Window, RefusesRowsOutOfOrderAndPeersInTwoBatches) {
  Running window(BigintNode(10), WindowSchema());
  window.Feed(MakeRows(WindowSchema(), {WindowInput(5, "a", int64_t{1})}));
  Dropped dropped;
  EXPECT_EQ(window.op->Process(MakeRows(WindowSchema(), {WindowInput(5, "a", int64_t{1})}), dropped)
                .status()
                .code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(window.op->Process(MakeRows(WindowSchema(), {WindowInput(4, "a", int64_t{1})}), dropped)
                .status()
                .code(),
            absl::StatusCode::kInternal);
}

TEST(Window, AFrameThatReachesBeforeTheBeginningOfTimeHoldsAll) {
  Running window(BigintNode(std::numeric_limits<int64_t>::max()), WindowSchema());
  const int64_t least = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(
      WindowLines(window, {WindowInput(least, "a", int64_t{1}), WindowInput(-1, "a", int64_t{2})})
          .size(),
      2u);
}

TEST(Window, RefusesAggregatesThatDoNotExist) {
  const auto refusal = [](sql::Aggregate aggregate) {
    state::StateSet states;
    const sql::Node node = WindowNode({0}, 1, {std::move(aggregate)});
    return std::string(FindOperator(node.kind)
                           ->make(node, WindowSchema(), {"v", "w", &states})
                           .status()
                           .message());
  };
  EXPECT_EQ(refusal(MakeAggregate(AggregateFunction::kSum, 3, Type::kText)),
            "column 'a13': sum and avg take bigint and double precision, got text");
  EXPECT_EQ(refusal(MakeAggregate(AggregateFunction::kMinimum, -1, Type::kText)),
            "column 'a3-1': only count takes no argument");
  EXPECT_EQ(refusal(MakeAggregate(AggregateFunction::kSum, 1, Type::kDouble)),
            "column 'a11': is bigint, declared as double precision");
}

TEST(Window, SumsOfDoublesAreThoseOfTheirDefinitionToTheBit) {
  support::Random random(11);
  for (int round = 0; round < 20; ++round) {
    const int64_t step = int64_t{1} << random.Below(20);
    const int64_t preceding = static_cast<int64_t>(random.Below(60)) * step;
    Running window(SumNode(preceding), WindowSchema());
    std::vector<InputRow> rows;
    std::vector<std::pair<int64_t, double>> all;
    int64_t time = random.Between(-200, 200) * step;
    for (int i = 0; i < 400; ++i) {
      time += random.OneIn(3) ? 0 : random.Between(0, 3 * step);
      const double x =
          (random.Unit() - 0.5) * std::exp2(static_cast<double>(random.Between(-60, 60)));
      rows.push_back(WindowInput(time, "a", kNull, x));
      all.emplace_back(time, x);
    }
    const data::Batch output = window.Feed(MakeRows(WindowSchema(), rows));
    for (size_t row = 0; row < all.size(); ++row) {
      std::vector<std::pair<int64_t, double>> frame;
      for (const auto& each : all) {
        if (each.first <= all[row].first && each.first >= all[row].first - preceding) {
          frame.push_back(each);
        }
      }
      ASSERT_EQ(output.column(4).Double(row), SumByDefinition(frame)) << "row " << row;
    }
  }
}

TEST(Window, AgreesWithAPlainRecomputationOnRandomRows) {
  support::Random random(12);
  const int64_t preceding = 50;
  Running window(BigintNode(preceding), WindowSchema());
  std::vector<InputRow> rows;
  int64_t time = -1000;
  for (int i = 0; i < 2000; ++i) {
    time += static_cast<int64_t>(random.Below(8));
    const std::string key(1, static_cast<char>('a' + random.Below(5)));
    rows.push_back(
        WindowInput(time, key, random.OneIn(10) ? kNull : sql::Value(random.Between(-99, 99))));
  }
  const Lines lines = WindowLines(window, rows);
  for (size_t row = 0; row < rows.size(); ++row) {
    int64_t all = 0, count = 0, sum = 0, least = 1000, most = -1000;
    for (const InputRow& each : rows) {
      const bool in_frame = each.time <= rows[row].time && each.time >= rows[row].time - preceding;
      if (!in_frame || each.values[0] != rows[row].values[0]) continue;
      ++all;
      if (each.values[1] == kNull) continue;
      const int64_t n = std::get<int64_t>(each.values[1]);
      ++count;
      sum += n;
      least = std::min(least, n);
      most = std::max(most, n);
    }
    std::vector<std::string> cells;
    const data::Batch one = MakeRows(
        std::make_shared<const data::Schema>(std::vector<data::Field>{{"a", Type::kBigint},
                                                                      {"b", Type::kBigint},
                                                                      {"c", Type::kBigint},
                                                                      {"d", Type::kDouble},
                                                                      {"e", Type::kBigint},
                                                                      {"f", Type::kBigint}}),
        {{0,
          {all, count, count == 0 ? kNull : sql::Value(sum),
           count == 0 ? kNull : sql::Value(static_cast<double>(sum) / static_cast<double>(count)),
           count == 0 ? kNull : sql::Value(least), count == 0 ? kNull : sql::Value(most)}}});
    ASSERT_EQ(lines[row], Show(one)[0]) << "row " << row;
  }
}

}  // namespace
}  // namespace streamml::operators
