#include "tests/worker/operators/expressions.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "worker/data/number_text.h"
#include "worker/data/time_text.h"
#include "worker/operators/evaluate.h"

namespace streamml::operators {

namespace {

using data::Type;

Expression Constant(Type type, sql::Value value) {
  Expression result;
  result.kind = Expression::Kind::kConstant;
  result.type = type;
  result.constant = std::move(value);
  return result;
}

void Append(const Expression& constant, data::Column& column) {
  if (std::holds_alternative<std::monostate>(constant.constant)) return column.AppendNull();
  switch (constant.type) {
    case Type::kBoolean:
      return column.AppendBoolean(std::get<bool>(constant.constant));
    case Type::kBigint:
    case Type::kTimestamp:
      return column.AppendInteger(std::get<int64_t>(constant.constant));
    case Type::kDouble:
      return column.AppendDouble(std::get<double>(constant.constant));
    case Type::kText:
      return column.AppendText(std::get<std::string>(constant.constant));
  }
}

// Replaces constants by columns and collects them.
void Hoist(Expression& expression, std::vector<Expression>& constants) {
  if (expression.kind == Expression::Kind::kConstant) {
    constants.push_back(expression);
    expression = Column(constants.size() - 1, expression.type);
    return;
  }
  for (Expression& argument : expression.arguments) Hoist(argument, constants);
}

data::Batch MakeBatch(const std::vector<Expression>& constants, size_t rows) {
  std::vector<data::Field> fields;
  for (const Expression& constant : constants) {
    std::string name = "c";
    name += std::to_string(fields.size());
    fields.push_back({name, constant.type});
  }
  data::BatchBuilder builder(std::make_shared<const data::Schema>(fields));
  for (size_t row = 0; row < rows; ++row) {
    builder.AddOrigin({});
    for (size_t i = 0; i < constants.size(); ++i) Append(constants[i], builder.column(i));
  }
  return builder.Finish();
}

std::string ToText(const data::Column& column, size_t row) {
  if (column.IsNull(row)) return "NULL";
  std::string out;
  switch (column.type()) {
    case Type::kBoolean:
      return column.Boolean(row) ? "true" : "false";
    case Type::kBigint:
      data::AppendBigintText(column.Integer(row), out);
      return out;
    case Type::kDouble:
      data::AppendDoubleText(column.Double(row), out);
      return out;
    case Type::kText:
      return "'" + std::string(column.Text(row)) + "'";
    case Type::kTimestamp:
      data::AppendTimestampText(column.Integer(row), out);
      return out;
  }
  return out;
}

std::vector<std::string> RunOver(const Expression& expression, const data::Batch& batch) {
  const auto evaluator = Evaluator::Make(expression, batch.schema());
  if (!evaluator.ok()) return {"refused: " + std::string(evaluator.status().message())};
  std::vector<FailedValue> failed;
  const auto column = evaluator->Evaluate(batch, failed);
  EXPECT_EQ(column->size(), batch.num_rows());
  std::vector<std::string> results;
  size_t next = 0;
  for (size_t row = 0; row < column->size(); ++row) {
    if (column->mark(row) != data::Mark::kFailed) {
      results.push_back(ToText(*column, row));
      continue;
    }
    const bool has_reason = next < failed.size() && failed[next].row == row;
    EXPECT_TRUE(has_reason) << "a failed row without a reason";
    results.push_back(has_reason ? "error: " + failed[next++].reason : "error");
  }
  EXPECT_EQ(next, failed.size()) << "a reason without a failed row";
  return results;
}

}  // namespace

Expression Boolean(bool value) { return Constant(Type::kBoolean, value); }
Expression Bigint(int64_t value) { return Constant(Type::kBigint, value); }
Expression Double(double value) { return Constant(Type::kDouble, value); }
Expression Text(std::string value) { return Constant(Type::kText, std::move(value)); }
Expression Time(int64_t value) { return Constant(Type::kTimestamp, value); }
Expression Time(const std::string& value) {
  const auto time = data::ParseTimestamp(value);
  EXPECT_TRUE(time.ok()) << value;
  return Time(time.value_or(0));
}
Expression Null(Type type) { return Constant(type, std::monostate()); }

Expression Column(size_t index, Type type) {
  Expression result;
  result.kind = Expression::Kind::kColumn;
  result.type = type;
  result.column = index;
  return result;
}

Expression Call(Function function, Type type, std::vector<Expression> arguments) {
  Expression result;
  result.kind = Expression::Kind::kCall;
  result.type = type;
  result.function = function;
  result.arguments = std::move(arguments);
  return result;
}

Expression Case(std::vector<Expression> arguments) {
  Expression result;
  result.kind = Expression::Kind::kCase;
  result.type = arguments[1].type;
  result.arguments = std::move(arguments);
  return result;
}

Expression Cast(Expression value, Type type) {
  Expression result;
  result.kind = Expression::Kind::kCast;
  result.type = type;
  result.arguments.push_back(std::move(value));
  return result;
}

Expression Failing() { return Call(Function::kDivide, Type::kBigint, {Bigint(1), Bigint(0)}); }

Expression Failing(Type type) {
  if (type == Type::kBigint) return Failing();
  if (type != Type::kTimestamp) return Cast(Failing(), type);
  return Call(Function::kAddMicroseconds, type, {Time(0), Failing()});
}

std::string ValueOf(const Expression& expression) {
  const std::vector<std::string> constant = RunOver(expression, MakeBatch({}, 1));
  Expression hoisted = expression;
  std::vector<Expression> constants;
  Hoist(hoisted, constants);
  for (const std::string& result : RunOver(hoisted, MakeBatch(constants, 3))) {
    EXPECT_EQ(result, constant[0]) << "columns and constants differ";
  }
  return constant[0];
}

}  // namespace streamml::operators
