#include <gtest/gtest.h>

#include "tests/worker/operators/expressions.h"
#include "tests/worker/operators/rows.h"
#include "worker/operators/row_error.h"

namespace streamml::operators {
namespace {

using data::Type;
using Lines = std::vector<std::string>;

std::shared_ptr<const data::Schema> PaymentSchema() {
  return std::make_shared<const data::Schema>(std::vector<data::Field>{
      {"id", Type::kText}, {"cents", Type::kBigint}, {"days", Type::kBigint}});
}

data::Batch Payments() {
  return MakeRows(PaymentSchema(), {{10, {"a", int64_t{100}, int64_t{2}}},
                                    {20, {"b", int64_t{50}, int64_t{0}}},
                                    {30, {"c", sql::Value(), int64_t{1}}},
                                    {40, {"d", int64_t{300}, int64_t{-1}}}});
}

Expression Rate() {
  return Call(Function::kDivide, Type::kBigint,
              {Column(1, Type::kBigint), Column(2, Type::kBigint)});
}

sql::Node FilterNode(Expression condition) {
  sql::Node node;
  node.kind = sql::Node::Kind::kFilter;
  node.schema = *PaymentSchema();
  node.expressions.push_back(std::move(condition));
  return node;
}

sql::Node ProjectNode(std::vector<data::Field> fields, std::vector<Expression> expressions) {
  sql::Node node;
  node.kind = sql::Node::Kind::kProject;
  node.schema = data::Schema(std::move(fields));
  node.expressions = std::move(expressions);
  return node;
}

TEST(Filter, KeepsRowsThatAreTrueAndCountsFalseAndNull) {
  const Expression condition =
      Call(Function::kGreater, Type::kBoolean, {Column(1, Type::kBigint), Bigint(60)});
  Running filter(FilterNode(condition), PaymentSchema());
  const data::Batch output = filter.Feed(Payments());
  EXPECT_EQ(Show(output), (Lines{"'a', 100, 2", "'d', 300, -1"}));
  EXPECT_EQ(output.origin(1), (data::Origin{40, 0, 0, 3}));
  EXPECT_EQ(filter.dropped.filtered, 2u);
  EXPECT_TRUE(filter.dropped.failed.empty());
}

TEST(Filter, SendsFailedRowsToTheDeadLettersWithTheRow) {
  const Expression condition = Call(Function::kGreater, Type::kBoolean, {Rate(), Bigint(0)});
  Running filter(FilterNode(condition), PaymentSchema());
  EXPECT_EQ(Show(filter.Feed(Payments())), (Lines{"'a', 100, 2"}));
  EXPECT_EQ(filter.dropped.filtered, 2u);
  ASSERT_EQ(filter.dropped.failed.size(), 1u);
  const RowError& error = filter.dropped.failed[0];
  EXPECT_EQ(error.reason, "division by zero in WHERE");
  EXPECT_EQ(error.row, R"({"id": "b", "cents": 50, "days": 0})");
  EXPECT_EQ(error.origin, (data::Origin{20, 0, 0, 1}));
}

TEST(Filter, SharesColumnsWhenAllRowsPass) {
  Running filter(FilterNode(Boolean(true)), PaymentSchema());
  const data::Batch input = Payments();
  const data::Batch output = filter.Feed(input);
  EXPECT_EQ(&output.column(0), &input.column(0));
  EXPECT_EQ(&output.origins(), &input.origins());
}

TEST(Project, ComputesColumnsAndSharesThoseItPassesOn) {
  Running project(
      ProjectNode({{"id", Type::kText}, {"double", Type::kBigint}, {"one", Type::kDouble}},
                  {Column(0, Type::kText),
                   Call(Function::kAdd, Type::kBigint,
                        {Column(1, Type::kBigint), Column(1, Type::kBigint)}),
                   Double(1)}),
      PaymentSchema());
  const data::Batch input = Payments();
  const data::Batch output = project.Feed(input);
  EXPECT_EQ(Show(output), (Lines{"'a', 200, 1", "'b', 100, 1", "'c', NULL, 1", "'d', 600, 1"}));
  EXPECT_EQ(&output.column(0), &input.column(0));
}

TEST(Project, ReportsAFailedRowOnceWithItsLeftmostColumn) {
  const Expression bad_text = Cast(Column(0, Type::kText), Type::kBigint);
  Running project(ProjectNode({{"rate", Type::kBigint}, {"number", Type::kBigint}},
                              {Rate(), Case({Call(Function::kEqual, Type::kBoolean,
                                                  {Column(0, Type::kText), Text("d")}),
                                             bad_text, Cast(Text("7"), Type::kBigint)})}),
                  PaymentSchema());
  EXPECT_EQ(Show(project.Feed(Payments())), (Lines{"50, 7", "NULL, 7"}));
  ASSERT_EQ(project.dropped.failed.size(), 2u);
  EXPECT_EQ(project.dropped.failed[0].reason, "division by zero in column 'rate'");
  EXPECT_EQ(project.dropped.failed[1].reason,
            "invalid input syntax for type bigint: \"d\" in column 'number'");
  EXPECT_EQ(project.dropped.filtered, 0u);
}

TEST(Project, TakesABatchWithoutRows) {
  Running project(ProjectNode({{"rate", Type::kBigint}}, {Rate()}), PaymentSchema());
  EXPECT_EQ(project.Feed(MakeRows(PaymentSchema(), {})).num_rows(), 0u);
}

TEST(Project, RefusesColumnsOfAnotherTypeThanDeclared) {
  const sql::Node node = ProjectNode({{"rate", Type::kDouble}}, {Rate()});
  state::StateSet states;
  const auto made = FindOperator(node.kind)->make(node, PaymentSchema(), {"view", "p0", &states});
  EXPECT_EQ(made.status().message(), "column 'rate': is double precision, computed as bigint");
  EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(OperatorTable, HasNoOperatorForScans) {
  EXPECT_EQ(FindOperator(sql::Node::Kind::kScan), nullptr);
  EXPECT_TRUE(FindOperator(sql::Node::Kind::kWindow)->needs_event_order);
  EXPECT_FALSE(FindOperator(sql::Node::Kind::kFilter)->needs_event_order);
}

TEST(MakeRowError, WritesTheRowAsJson) {
  const auto schema =
      std::make_shared<const data::Schema>(std::vector<data::Field>{{"te\"xt", Type::kText},
                                                                    {"x", Type::kDouble},
                                                                    {"y", Type::kDouble},
                                                                    {"ok", Type::kBoolean},
                                                                    {"at", Type::kTimestamp},
                                                                    {"none", Type::kBigint}});
  const data::Batch batch =
      MakeRows(schema, {{5,
                         {"a\"\\\n\x01", 0.1, -std::numeric_limits<double>::infinity(), true,
                          int64_t{500'000}, sql::Value()}}});
  EXPECT_EQ(MakeRowError(batch, 0, "why").row,
            R"({"te\"xt": "a\"\\\n\u0001", "x": 0.1, "y": "-Infinity", "ok": true, )"
            R"("at": "1970-01-01T00:00:00.5Z", "none": null})");
}

}  // namespace
}  // namespace streamml::operators
