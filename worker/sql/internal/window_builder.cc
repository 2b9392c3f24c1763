#include "worker/sql/internal/window_builder.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/sql/internal/error.h"

namespace streamml::sql::internal {
namespace {

using data::Type;

struct FunctionName {
  std::string_view name;
  AggregateFunction function;
};
constexpr std::array kFunctionNames = std::to_array<FunctionName>({
    {"count", AggregateFunction::kCount},
    {"sum", AggregateFunction::kSum},
    {"avg", AggregateFunction::kAverage},
    {"min", AggregateFunction::kMinimum},
    {"max", AggregateFunction::kMaximum},
});

AggregateFunction FunctionOf(std::string_view name) {
  for (const FunctionName& entry : kFunctionNames) {
    if (entry.name == name) return entry.function;
  }
  return AggregateFunction::kCount;
}

Type ResultType(AggregateFunction function, Type argument) {
  switch (function) {
    case AggregateFunction::kCount:
      return Type::kBigint;
    case AggregateFunction::kAverage:
      return Type::kDouble;
    default:
      return argument;
  }
}

}  // namespace

absl::Status WindowBuilder::CheckArgument(AggregateFunction function, std::string_view name,
                                          const Expression& argument) const {
  const Type type = argument.type;
  const bool folds_numbers =
      function == AggregateFunction::kSum || function == AggregateFunction::kAverage;
  if (function == AggregateFunction::kCount) return absl::OkStatus();
  if (type == Type::kBoolean) {
    return ErrorAt(argument.position, name, " does not take boolean; write ", name,
                   "(CAST(x AS bigint))");
  }
  if (!folds_numbers || type == Type::kBigint || type == Type::kDouble) return absl::OkStatus();
  return ErrorAt(argument.position, name, " does not take ", data::TypeName(type),
                 type == Type::kText ? "; write CAST(x AS double precision)"
                                     : "; write extract(epoch FROM x)");
}

size_t WindowBuilder::ColumnOf(Expression expression) {
  if (expression.kind == Expression::Kind::kColumn) return expression.column;
  std::string text = ToString(expression, scope_.schema);
  const auto found = std::find(computed_texts_.begin(), computed_texts_.end(), text);
  const auto index = static_cast<size_t>(found - computed_texts_.begin());
  if (found == computed_texts_.end()) {
    computed_.push_back(std::move(expression));
    computed_texts_.push_back(std::move(text));
  }
  return scope_.schema.size() + index;
}

absl::StatusOr<size_t> WindowBuilder::FindWindow(const Tree& call, int position) {
  ASSIGN_OR_RETURN(const WindowDefinition definition, windows_.Find(call["over"], position));
  ASSIGN_OR_RETURN(Window window, ReadWindow(definition, scope_, budget_));
  PlannedWindow planned;
  planned.preceding_us = window.preceding_us;
  planned.key = absl::StrCat(window.preceding_us);
  for (Expression& key : window.partition) {
    planned.partition.push_back(ColumnOf(std::move(key)));
    absl::StrAppend(&planned.key, " ", planned.partition.back());
  }
  for (size_t i = 0; i < planned_.size(); ++i) {
    if (planned_[i].key == planned.key) return i;
  }
  planned_.push_back(std::move(planned));
  return planned_.size() - 1;
}

absl::StatusOr<Expression> WindowBuilder::AddAggregate(const Tree& call, std::string_view name,
                                                       int position) {
  const std::vector<Tree>& arguments = call["args"].items();
  const bool star = call["agg_star"].present();
  if (star && name != "count") return ErrorAt(position, "only count takes *, not ", name);
  if (!star && arguments.size() != 1) {
    return ErrorAt(position, name, " takes 1 argument, not ", arguments.size(),
                   name == "count" && arguments.empty() ? "; write count(*)" : "");
  }
  PlannedAggregate planned;
  planned.aggregate.function = FunctionOf(name);
  std::string text = absl::StrCat(name, "(*)");
  Type type = Type::kBigint;
  if (!star) {
    ExpressionAnalyzer analyzer({scope_, budget_, "an aggregate"});
    ASSIGN_OR_RETURN(Typed typed, analyzer.Analyze(arguments[0]));
    ASSIGN_OR_RETURN(Expression argument,
                     SettleAny(std::move(typed), absl::StrCat("argument of ", name)));
    RETURN_IF_ERROR(CheckArgument(planned.aggregate.function, name, argument));
    type = ResultType(planned.aggregate.function, argument.type);
    text = absl::StrCat(name, "(", ToString(argument, scope_.schema), ")");
    planned.aggregate.argument = static_cast<int>(ColumnOf(std::move(argument)));
  }
  ASSIGN_OR_RETURN(const size_t window, FindWindow(call, position));
  planned.key = absl::StrCat(window, " ", text);
  const size_t base = scope_.schema.size();
  for (size_t i = 0; i < aggregates_.size(); ++i) {
    if (aggregates_[i].key == planned.key) return MakeColumn(base + i, type, position);
  }
  planned.aggregate.output = {UniqueName(text), type};
  planned_[window].placeholders.push_back(aggregates_.size());
  aggregates_.push_back(std::move(planned));
  return MakeColumn(base + aggregates_.size() - 1, type, position);
}

std::string WindowBuilder::UniqueName(const std::string& wanted) {
  const auto is_taken = [this](const std::string& name) {
    return scope_.schema.Find(name).has_value() ||
           std::find(names_.begin(), names_.end(), name) != names_.end();
  };
  std::string name = wanted;
  for (int number = 2; is_taken(name); ++number) name = absl::StrCat(wanted, " #", number);
  names_.push_back(name);
  return name;
}

// All input columns, then the computed ones.
std::unique_ptr<Node> WindowBuilder::Precompute(std::unique_ptr<Node> input) {
  if (computed_.empty()) return input;
  auto project = std::make_unique<Node>();
  project->kind = Node::Kind::kProject;
  std::vector<data::Field> fields = scope_.schema.fields();
  for (size_t i = 0; i < fields.size(); ++i)
    project->expressions.push_back(MakeColumn(i, fields[i].type, 0));
  for (size_t i = 0; i < computed_.size(); ++i) {
    fields.push_back({UniqueName(computed_texts_[i]), computed_[i].type});
    project->expressions.push_back(computed_[i]);
  }
  project->schema = data::Schema(std::move(fields), scope_.schema.time_column());
  project->input = std::move(input);
  return project;
}

std::unique_ptr<Node> WindowBuilder::Build(std::unique_ptr<Node> input) {
  std::unique_ptr<Node> top = Precompute(std::move(input));
  for (const PlannedWindow& planned : planned_) {
    auto node = std::make_unique<Node>();
    node->kind = Node::Kind::kWindow;
    node->partition_columns = planned.partition;
    node->preceding_us = planned.preceding_us;
    std::vector<data::Field> fields = top->schema.fields();
    for (const size_t placeholder : planned.placeholders) {
      aggregates_[placeholder].column = fields.size();
      fields.push_back(aggregates_[placeholder].aggregate.output);
      node->aggregates.push_back(aggregates_[placeholder].aggregate);
    }
    node->schema = data::Schema(std::move(fields), top->schema.time_column());
    node->input = std::move(top);
    top = std::move(node);
  }
  return top;
}

void WindowBuilder::Place(Expression& expression) const {
  const size_t base = scope_.schema.size();
  if (expression.kind == Expression::Kind::kColumn && expression.column >= base) {
    expression.column = aggregates_[expression.column - base].column;
  }
  for (Expression& argument : expression.arguments) Place(argument);
}

}  // namespace streamml::sql::internal
