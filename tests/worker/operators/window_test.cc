// Windows: PostgreSQL's answers on small inputs, and a plain recomputation on random ones.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/random.h"
#include "tests/worker/operators/rows.h"

namespace streamml::operators {
namespace {

using data::Type;
using sql::AggregateFunction;
using Lines = std::vector<std::string>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();
const sql::Value kNull;

std::shared_ptr<const data::Schema> Schema() {
  return std::make_shared<const data::Schema>(std::vector<data::Field>{
      {"key", Type::kText}, {"n", Type::kBigint}, {"x", Type::kDouble}, {"word", Type::kText}});
}

sql::Aggregate Make(AggregateFunction function, int argument, Type type) {
  sql::Aggregate aggregate;
  aggregate.function = function;
  aggregate.argument = argument;
  aggregate.output = {"a" + std::to_string(static_cast<int>(function)) + std::to_string(argument),
                      type};
  return aggregate;
}

sql::Node WindowNode(std::vector<size_t> partition, int64_t preceding,
                     std::vector<sql::Aggregate> aggregates) {
  sql::Node node;
  node.kind = sql::Node::Kind::kWindow;
  node.partition_columns = std::move(partition);
  node.preceding_us = preceding;
  std::vector<data::Field> fields = Schema()->fields();
  for (const sql::Aggregate& aggregate : aggregates) fields.push_back(aggregate.output);
  node.schema = data::Schema(fields);
  node.aggregates = std::move(aggregates);
  return node;
}

InputRow Row(int64_t time, std::string key, sql::Value n, sql::Value x = kNull,
             sql::Value word = kNull) {
  return {time, {std::move(key), std::move(n), std::move(x), std::move(word)}};
}

// The columns behind the input's four.
Lines Answers(Running& window, const std::vector<InputRow>& rows) {
  const data::Batch output = window.Feed(MakeRows(Schema(), rows));
  std::vector<std::shared_ptr<const data::Column>> columns(output.columns().begin() + 4,
                                                           output.columns().end());
  const std::vector<data::Field>& fields = output.schema().fields();
  const auto schema = std::make_shared<const data::Schema>(
      std::vector<data::Field>(fields.begin() + 4, fields.end()));
  return Show(data::Batch(schema, columns, output.shared_origins()));
}

sql::Node BigintNode(int64_t preceding) {
  return WindowNode({0}, preceding,
                    {Make(AggregateFunction::kCount, -1, Type::kBigint),
                     Make(AggregateFunction::kCount, 1, Type::kBigint),
                     Make(AggregateFunction::kSum, 1, Type::kBigint),
                     Make(AggregateFunction::kAverage, 1, Type::kDouble),
                     Make(AggregateFunction::kMinimum, 1, Type::kBigint),
                     Make(AggregateFunction::kMaximum, 1, Type::kBigint)});
}

sql::Node SumNode(int64_t preceding) {
  return WindowNode({0}, preceding,
                    {Make(AggregateFunction::kSum, 2, Type::kDouble),
                     Make(AggregateFunction::kAverage, 2, Type::kDouble)});
}

TEST(Window, TheFrameHoldsBothItsEnds) {
  Running window(BigintNode(100), Schema());
  EXPECT_EQ(
      Answers(window, {Row(0, "a", int64_t{5}), Row(100, "a", int64_t{3}),
                       Row(101, "a", int64_t{9}), Row(500, "a", int64_t{1})}),
      (Lines{"1, 1, 5, 5, 5, 5", "2, 2, 8, 4, 3, 5", "2, 2, 12, 6, 3, 9", "1, 1, 1, 1, 1, 1"}));
}

TEST(Window, PeersSeeEachOther) {
  Running window(BigintNode(10), Schema());
  EXPECT_EQ(Answers(window, {Row(7, "a", int64_t{1}), Row(7, "b", int64_t{10}),
                             Row(7, "a", int64_t{2}), Row(8, "a", int64_t{4})}),
            (Lines{"2, 2, 3, 1.5, 1, 2", "1, 1, 10, 10, 10, 10", "2, 2, 3, 1.5, 1, 2",
                   "3, 3, 7, 2.3333333333333335, 1, 4"}));
}

TEST(Window, LeavesOutNulls) {
  Running window(BigintNode(10), Schema());
  EXPECT_EQ(Answers(window, {Row(1, "a", kNull), Row(2, "a", int64_t{4}), Row(3, "a", kNull)}),
            (Lines{"1, 0, NULL, NULL, NULL, NULL", "2, 1, 4, 4, 4, 4", "3, 1, 4, 4, 4, 4"}));
}

TEST(Window, WithoutPartitionColumnsAllRowsAreOnePartition) {
  Running window(WindowNode({}, 10, {Make(AggregateFunction::kCount, -1, Type::kBigint)}),
                 Schema());
  EXPECT_EQ(Answers(window, {Row(1, "a", kNull), Row(2, "b", kNull)}), (Lines{"1", "2"}));
}

TEST(Window, PartitionsNullNaNAndZerosAsPostgreSqlDoes) {
  Running window(WindowNode({2}, 10, {Make(AggregateFunction::kCount, -1, Type::kBigint)}),
                 Schema());
  EXPECT_EQ(Answers(window,
                    {Row(1, "a", kNull, kNull), Row(2, "a", kNull, kNull), Row(3, "a", kNull, kNaN),
                     Row(4, "a", kNull, -kNaN), Row(5, "a", kNull, 0.0), Row(6, "a", kNull, -0.0)}),
            (Lines{"1", "2", "1", "2", "1", "2"}));
}

TEST(Window, DoesNotMixUpKeysOfSeveralColumns) {
  Running window(WindowNode({0, 3}, 10, {Make(AggregateFunction::kCount, -1, Type::kBigint)}),
                 Schema());
  EXPECT_EQ(Answers(window, {Row(1, "ab", kNull, kNull, "c"), Row(2, "a", kNull, kNull, "bc"),
                             Row(3, "ab", kNull, kNull, kNull), Row(4, "ab", kNull, kNull, "c")}),
            (Lines{"1", "1", "1", "2"}));
}

TEST(Window, SumsOfBigintAreExactAndFailBeyondBigint) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  Running window(BigintNode(10), Schema());
  EXPECT_EQ(
      Answers(window, {Row(1, "a", kMost), Row(2, "a", int64_t{1}), Row(3, "a", int64_t{-2})}),
      (Lines{"1, 1, 9223372036854775807, 9.223372036854776e+18, 9223372036854775807, "
             "9223372036854775807",
             "3, 3, 9223372036854775806, 3.0744573456182584e+18, -2, 9223372036854775807"}));
  ASSERT_EQ(window.dropped.failed.size(), 1u);
  EXPECT_EQ(window.dropped.failed[0].reason, "bigint out of range in column 'a11'");
  EXPECT_EQ(window.dropped.failed[0].row, R"({"key": "a", "n": 1, "x": null, "word": null})");
}

TEST(Window, NothingLargeStaysBehindInASumOfDoubles) {
  Running window(SumNode(10), Schema());
  EXPECT_EQ(Answers(window,
                    {Row(1, "a", kNull, 1e17), Row(2, "a", kNull, 1.0), Row(12, "a", kNull, 0.5)}),
            (Lines{"1e+17, 1e+17", "1e+17, 5e+16", "1.5, 0.75"}));
}

TEST(Window, InfinitiesAndNaNLeaveTheSumWithTheirRows) {
  Running window(SumNode(1), Schema());
  EXPECT_EQ(Answers(window, {Row(1, "a", kNull, kInfinity), Row(2, "a", kNull, -kInfinity),
                             Row(3, "a", kNull, 1.0), Row(4, "a", kNull, kNaN),
                             Row(5, "a", kNull, kInfinity), Row(7, "a", kNull, 2.0)}),
            (Lines{"Infinity, Infinity", "NaN, NaN", "-Infinity, -Infinity", "NaN, NaN", "NaN, NaN",
                   "2, 2"}));
  EXPECT_TRUE(window.dropped.failed.empty());
}

TEST(Window, ASumOfDoublesThatOverflowsFailsTheRowAndOnlyIt) {
  Running window(SumNode(1), Schema());
  EXPECT_EQ(Answers(window, {Row(1, "a", kNull, 1e308), Row(2, "a", kNull, 1e308),
                             Row(3, "a", kNull, 1.0), Row(4, "a", kNull, 2.0)}),
            (Lines{"1e+308, 1e+308", "1e+308, 5e+307", "3, 1.5"}));
  ASSERT_EQ(window.dropped.failed.size(), 1u);
  EXPECT_EQ(window.dropped.failed[0].reason, "value out of range: overflow in column 'a12'");
}

TEST(Window, FindsExtremesOfDoublesAndTexts) {
  Running window(WindowNode({0}, 2,
                            {Make(AggregateFunction::kMinimum, 2, Type::kDouble),
                             Make(AggregateFunction::kMaximum, 2, Type::kDouble),
                             Make(AggregateFunction::kMinimum, 3, Type::kText),
                             Make(AggregateFunction::kMaximum, 3, Type::kText)}),
                 Schema());
  EXPECT_EQ(Answers(window, {Row(1, "k", kNull, -0.0, "b"), Row(2, "k", kNull, 0.0, kNull),
                             Row(3, "k", kNull, kNaN, "a"), Row(4, "k", kNull, 1.0, "\u00e4"),
                             Row(9, "k", kNull, kNull, kNull)}),
            (Lines{"-0, -0, 'b', 'b'", "-0, -0, 'b', 'b'", "-0, NaN, 'a', 'b'",
                   "0, NaN, 'a', '\u00e4'", "NULL, NULL, NULL, NULL"}));
}

TEST(Window, KeysThatDoNotComeBackLeaveTheState) {
  Running window(BigintNode(8'000'000), Schema());
  const state::DeclaredState& state = *window.states->states()[0];
  for (int64_t second = 0; second < 100; ++second) {
    window.Feed(
        MakeRows(Schema(), {Row(second * 1'000'000, "k" + std::to_string(second), int64_t{1})}));
    // 8 s of frame and one bucket of 1 s, both ends included.
    EXPECT_LE(state.num_entries(), 10u);
  }
  window.Feed(MakeRows(Schema(), {Row(500'000'000, "last", int64_t{1})}));
  EXPECT_EQ(state.num_entries(), 1u);
}

TEST(Window, AKeyThatComesBackStays) {
  Running window(BigintNode(8'000'000), Schema());
  int64_t last = 0;
  for (int64_t second = 0; second < 100; second += 7) {
    Answers(window, {Row(second * 1'000'000, "other" + std::to_string(second), int64_t{1})});
    const Lines lines = Answers(window, {Row(second * 1'000'000 + 1, "key", second)});
    if (second > 0) {
      EXPECT_EQ(lines[0].substr(0, 5), "2, 2,") << "at " << second << " after " << last;
    }
    last = second;
  }
}

TEST(Window, RefusesRowsOutOfOrderAndPeersInTwoBatches) {
  Running window(BigintNode(10), Schema());
  window.Feed(MakeRows(Schema(), {Row(5, "a", int64_t{1})}));
  Dropped dropped;
  EXPECT_EQ(
      window.op->Process(MakeRows(Schema(), {Row(5, "a", int64_t{1})}), dropped).status().code(),
      absl::StatusCode::kInternal);
  EXPECT_EQ(
      window.op->Process(MakeRows(Schema(), {Row(4, "a", int64_t{1})}), dropped).status().code(),
      absl::StatusCode::kInternal);
}

TEST(Window, AFrameThatReachesBeforeTheBeginningOfTimeHoldsAll) {
  Running window(BigintNode(std::numeric_limits<int64_t>::max()), Schema());
  const int64_t least = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(Answers(window, {Row(least, "a", int64_t{1}), Row(-1, "a", int64_t{2})}).size(), 2u);
}

TEST(Window, RefusesAggregatesThatDoNotExist) {
  const auto refusal = [](sql::Aggregate aggregate) {
    state::StateSet states;
    const sql::Node node = WindowNode({0}, 1, {std::move(aggregate)});
    return std::string(
        FindOperator(node.kind)->make(node, Schema(), {"v", "w", &states}).status().message());
  };
  EXPECT_EQ(refusal(Make(AggregateFunction::kSum, 3, Type::kText)),
            "column 'a13': sum and avg take bigint and double precision, got text");
  EXPECT_EQ(refusal(Make(AggregateFunction::kMinimum, -1, Type::kText)),
            "column 'a3-1': only count takes no argument");
  EXPECT_EQ(refusal(Make(AggregateFunction::kSum, 1, Type::kDouble)),
            "column 'a11': is bigint, declared as double precision");
}

// The sum as FrameAnswers defines it, by recursion over the rows.
double SumByDefinition(const std::vector<std::pair<int64_t, double>>& rows) {
  const auto bits = static_cast<uint64_t>(rows.front().first ^ rows.back().first);
  if (bits == 0) {
    double sum = rows[0].second;
    for (size_t i = 1; i < rows.size(); ++i) sum += rows[i].second;
    return sum;
  }
  const int bit = 63 - std::countl_zero(bits);
  size_t cut = 0;
  const auto upper = [&](size_t i) { return (rows[i].first ^ rows[0].first) >> bit & 1; };
  while (upper(cut) == 0) ++cut;
  const auto begin = rows.begin();
  return SumByDefinition({begin, begin + static_cast<int64_t>(cut)}) +
         SumByDefinition({begin + static_cast<int64_t>(cut), rows.end()});
}

TEST(Window, SumsOfDoublesAreThoseOfTheirDefinitionToTheBit) {
  support::Random random(11);
  for (int round = 0; round < 20; ++round) {
    const int64_t step = int64_t{1} << random.Below(20);
    const int64_t preceding = static_cast<int64_t>(random.Below(60)) * step;
    Running window(SumNode(preceding), Schema());
    std::vector<InputRow> rows;
    std::vector<std::pair<int64_t, double>> all;
    int64_t time = random.Between(-200, 200) * step;
    for (int i = 0; i < 400; ++i) {
      time += random.OneIn(3) ? 0 : random.Between(0, 3 * step);
      const double x =
          (random.Unit() - 0.5) * std::exp2(static_cast<double>(random.Between(-60, 60)));
      rows.push_back(Row(time, "a", kNull, x));
      all.emplace_back(time, x);
    }
    const data::Batch output = window.Feed(MakeRows(Schema(), rows));
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
  Running window(BigintNode(preceding), Schema());
  std::vector<InputRow> rows;
  int64_t time = -1000;
  for (int i = 0; i < 2000; ++i) {
    time += static_cast<int64_t>(random.Below(8));
    const std::string key(1, static_cast<char>('a' + random.Below(5)));
    rows.push_back(Row(time, key, random.OneIn(10) ? kNull : sql::Value(random.Between(-99, 99))));
  }
  const Lines lines = Answers(window, rows);
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
