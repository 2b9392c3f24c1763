#include "tests/worker/sql/laws.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/worker/sql/golden.h"

namespace streamml::sql {
namespace {

// Texts in plans are SQL: read again over the same columns they give the same text and type.
void CheckReadsBack(const Expression& expression, const data::Schema& input) {
  const std::string text = ToString(expression, input);
  const Catalog catalog = {{"input", input}};
  const auto plan =
      Analyze(absl::StrCat("SELECT ", text, " AS result, 1 AS one FROM input"), catalog);
  ASSERT_TRUE(plan.ok()) << text << "\n" << plan.status();
  ASSERT_EQ((*plan)->kind, Node::Kind::kProject) << text;
  EXPECT_EQ(ToString((*plan)->expressions[0], input), text);
  EXPECT_EQ((*plan)->expressions[0].type, expression.type) << text;
}

// Types and columns of an expression are consistent with its input.
void CheckExpression(const Expression& expression, const data::Schema& input) {
  if (expression.kind == Expression::Kind::kColumn) {
    ASSERT_LT(expression.column, input.size());
    EXPECT_EQ(input.field(expression.column).type, expression.type);
  }
  for (const Expression& argument : expression.arguments) CheckExpression(argument, input);
}

void CheckWindow(const Node& node) {
  const data::Schema& input = node.input->schema;
  EXPECT_GE(node.preceding_us, 0);
  EXPECT_EQ(node.schema.size(), input.size() + node.aggregates.size());
  EXPECT_EQ(node.schema.time_column(), input.time_column());
  EXPECT_NE(input.time_column(), data::Schema::kNoTime);
  for (const size_t column : node.partition_columns) EXPECT_LT(column, input.size());
  for (size_t i = 0; i < node.aggregates.size(); ++i) {
    EXPECT_EQ(node.schema.field(input.size() + i), node.aggregates[i].output);
    EXPECT_LT(node.aggregates[i].argument, static_cast<int>(input.size()));
  }
}

void CheckNode(const Node& node) {
  if (node.kind == Node::Kind::kScan) {
    EXPECT_EQ(node.schema, TestCatalog().at(node.relation));
    return;
  }
  ASSERT_NE(node.input, nullptr);
  for (const Expression& expression : node.expressions)
    CheckExpression(expression, node.input->schema);
  for (const Expression& expression : node.expressions)
    CheckReadsBack(expression, node.input->schema);
  if (node.kind == Node::Kind::kWindow) CheckWindow(node);
  if (node.kind == Node::Kind::kFilter) {
    EXPECT_EQ(node.schema, node.input->schema);
    EXPECT_EQ(node.expressions.at(0).type, data::Type::kBoolean);
  }
  if (node.kind == Node::Kind::kProject) {
    ASSERT_EQ(node.schema.size(), node.expressions.size());
    for (size_t i = 0; i < node.schema.size(); ++i) {
      EXPECT_EQ(node.schema.field(i).type, node.expressions[i].type);
    }
  }
  CheckNode(*node.input);
}

}  // namespace

void CheckPlan(const Node& plan) { CheckNode(plan); }

}  // namespace streamml::sql
