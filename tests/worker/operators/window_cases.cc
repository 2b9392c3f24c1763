#include "tests/worker/operators/window_cases.h"

#include <bit>

namespace streamml::operators {

using data::Type;
using sql::AggregateFunction;

std::shared_ptr<const data::Schema> WindowSchema() {
  return std::make_shared<const data::Schema>(std::vector<data::Field>{
      {"key", Type::kText}, {"n", Type::kBigint}, {"x", Type::kDouble}, {"word", Type::kText}});
}

sql::Aggregate MakeAggregate(AggregateFunction function, int argument, Type type) {
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
  std::vector<data::Field> fields = WindowSchema()->fields();
  for (const sql::Aggregate& aggregate : aggregates) fields.push_back(aggregate.output);
  node.schema = data::Schema(fields);
  node.aggregates = std::move(aggregates);
  return node;
}

InputRow WindowInput(int64_t time, std::string key, sql::Value n, sql::Value x, sql::Value word) {
  return {time, {std::move(key), std::move(n), std::move(x), std::move(word)}};
}

// The columns behind the input's four.
Lines WindowLines(Running& window, const std::vector<InputRow>& rows) {
  const data::Batch output = window.Feed(MakeRows(WindowSchema(), rows));
  std::vector<std::shared_ptr<const data::Column>> columns(output.columns().begin() + 4,
                                                           output.columns().end());
  const std::vector<data::Field>& fields = output.schema().fields();
  const auto schema = std::make_shared<const data::Schema>(
      std::vector<data::Field>(fields.begin() + 4, fields.end()));
  return Show(data::Batch(schema, columns, output.shared_origins()));
}

sql::Node BigintNode(int64_t preceding) {
  return WindowNode({0}, preceding,
                    {MakeAggregate(AggregateFunction::kCount, -1, Type::kBigint),
                     MakeAggregate(AggregateFunction::kCount, 1, Type::kBigint),
                     MakeAggregate(AggregateFunction::kSum, 1, Type::kBigint),
                     MakeAggregate(AggregateFunction::kAverage, 1, Type::kDouble),
                     MakeAggregate(AggregateFunction::kMinimum, 1, Type::kBigint),
                     MakeAggregate(AggregateFunction::kMaximum, 1, Type::kBigint)});
}

sql::Node SumNode(int64_t preceding) {
  return WindowNode({0}, preceding,
                    {MakeAggregate(AggregateFunction::kSum, 2, Type::kDouble),
                     MakeAggregate(AggregateFunction::kAverage, 2, Type::kDouble)});
}

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

}  // namespace streamml::operators
