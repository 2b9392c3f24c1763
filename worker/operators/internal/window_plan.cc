#include "worker/operators/internal/window_plan.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/status.h"

namespace streamml::operators::internal {
namespace {

using data::Type;
using sql::AggregateFunction;

absl::Status CheckAggregate(const sql::Aggregate& aggregate, const data::Schema& input) {
  const auto refuse = [&](std::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("column '", aggregate.output.name, "': ", why));
  };
  const bool is_count = aggregate.function == AggregateFunction::kCount;
  if (aggregate.argument < 0) {
    if (!is_count) return refuse("only count takes no argument");
    return aggregate.output.type == Type::kBigint ? absl::OkStatus() : refuse("count is bigint");
  }
  if (static_cast<size_t>(aggregate.argument) >= input.size()) return refuse("no such argument");
  const Type type = input.field(static_cast<size_t>(aggregate.argument)).type;
  const bool is_number = type == Type::kBigint || type == Type::kDouble;
  const bool is_extreme = aggregate.function == AggregateFunction::kMinimum ||
                          aggregate.function == AggregateFunction::kMaximum;
  if (is_extreme && type == Type::kBoolean) return refuse("min and max of boolean do not exist");
  if (!is_count && !is_extreme && !is_number) {
    return refuse(
        absl::StrCat("sum and avg take bigint and double precision, got ", data::TypeName(type)));
  }
  const bool is_average = aggregate.function == AggregateFunction::kAverage;
  const Type wanted = is_count ? Type::kBigint : is_average ? Type::kDouble : type;
  if (aggregate.output.type == wanted) return absl::OkStatus();
  return refuse(absl::StrCat("is ", data::TypeName(wanted), ", declared as ",
                             data::TypeName(aggregate.output.type)));
}

// Sorted by column, so that the same arguments give the same state in whatever order they are asked
// for.
std::vector<FrameArgument> CollectArguments(const sql::Node& node, const data::Schema& input) {
  std::vector<FrameArgument> arguments;
  for (size_t column = 0; column < input.size(); ++column) {
    FrameArgument argument;
    argument.column = column;
    argument.type = input.field(column).type;
    bool is_used = false;
    for (const sql::Aggregate& aggregate : node.aggregates) {
      if (aggregate.argument != static_cast<int>(column)) continue;
      is_used = true;
      const AggregateFunction function = aggregate.function;
      argument.needs_sum |=
          function == AggregateFunction::kSum || function == AggregateFunction::kAverage;
      argument.needs_minimum |= function == AggregateFunction::kMinimum;
      argument.needs_maximum |= function == AggregateFunction::kMaximum;
    }
    if (is_used) arguments.push_back(argument);
  }
  return arguments;
}

absl::Status CheckNode(const sql::Node& node, const data::Schema& input) {
  if (node.preceding_us < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("window: preceding of ", node.preceding_us, " us, allowed 0 or more"));
  }
  for (const size_t column : node.partition_columns) {
    if (column < input.size()) continue;
    return absl::InvalidArgumentError(absl::StrCat("window: no partition column ", column));
  }
  std::vector<data::Field> fields = input.fields();
  for (const sql::Aggregate& aggregate : node.aggregates) {
    RETURN_IF_ERROR(CheckAggregate(aggregate, input));
    fields.push_back(aggregate.output);
  }
  if (fields != node.schema.fields()) {
    return absl::InvalidArgumentError("window: the columns are not those of input and aggregates");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<WindowPlan> MakeWindowPlan(const sql::Node& node, const data::Schema& input) {
  RETURN_IF_ERROR(CheckNode(node, input));
  std::vector<FrameArgument> arguments = CollectArguments(node, input);
  if (arguments.size() > kMaxArguments) {
    return absl::InvalidArgumentError(absl::StrCat("window: aggregates over ", arguments.size(),
                                                   " different columns, allowed ", kMaxArguments));
  }
  WindowPlan plan;
  plan.schema = std::make_shared<const data::Schema>(node.schema);
  plan.partition_columns = node.partition_columns;
  plan.preceding_us = node.preceding_us;
  plan.layout = MakeLayout(std::move(arguments));
  for (const sql::Aggregate& aggregate : node.aggregates) {
    size_t place = kNoArgument;
    for (size_t a = 0; a < plan.layout.arguments.size(); ++a) {
      if (static_cast<int>(plan.layout.arguments[a].column) == aggregate.argument) place = a;
    }
    plan.outputs.push_back({aggregate, place});
  }
  return plan;
}

uint64_t WindowStateHash(std::string_view format, const WindowPlan& plan,
                         const data::Schema& input) {
  std::string text(format);
  ByteWriter writer(text);
  const auto add_field = [&](size_t column) {
    writer.Text(input.field(column).name);
    writer.U8(static_cast<uint8_t>(input.field(column).type));
  };
  writer.I64(plan.preceding_us);
  writer.Varint(plan.partition_columns.size());
  for (const size_t column : plan.partition_columns) add_field(column);
  for (const FrameArgument& argument : plan.layout.arguments) add_field(argument.column);
  return Hash64(text);
}

int64_t FrameBegin(const WindowPlan& plan, int64_t time) {
  int64_t begin = 0;
  const bool underflow = __builtin_sub_overflow(time, plan.preceding_us, &begin);
  return underflow ? std::numeric_limits<int64_t>::min() : begin;
}

int64_t ExpiryBucket(const WindowPlan& plan) {
  constexpr int64_t kLeast = 1'000'000;
  return std::max(plan.preceding_us / 8, kLeast);
}

}  // namespace streamml::operators::internal
