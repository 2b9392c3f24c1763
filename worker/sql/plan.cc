#include "worker/sql/plan.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "worker/sql/internal/interval.h"
#include "worker/sql/internal/suggestion.h"

namespace streamml::sql {
namespace {

using internal::QuoteName;

std::string_view FunctionName(AggregateFunction function) {
  switch (function) {
    case AggregateFunction::kCount:
      return "count";
    case AggregateFunction::kSum:
      return "sum";
    case AggregateFunction::kAverage:
      return "avg";
    case AggregateFunction::kMinimum:
      return "min";
    case AggregateFunction::kMaximum:
      return "max";
  }
  return "";
}

std::string ColumnName(const data::Schema& schema, size_t column) {
  return QuoteName(schema.field(column).name);
}

// "a, (b + 1) AS c"
std::string Columns(const Node& node) {
  std::vector<std::string> columns;
  for (size_t i = 0; i < node.expressions.size(); ++i) {
    const std::string text = ToString(node.expressions[i], node.input->schema);
    const std::string name = ColumnName(node.schema, i);
    columns.push_back(text == name ? text : absl::StrCat(text, " AS ", name));
  }
  return absl::StrJoin(columns, ", ");
}

// "count(*), sum(amount)"
std::string Aggregates(const Node& node) {
  std::vector<std::string> aggregates;
  for (const Aggregate& aggregate : node.aggregates) {
    const std::string argument =
        aggregate.argument < 0
            ? "*"
            : ColumnName(node.input->schema, static_cast<size_t>(aggregate.argument));
    aggregates.push_back(absl::StrCat(FunctionName(aggregate.function), "(", argument, ")"));
  }
  return absl::StrJoin(aggregates, ", ");
}

std::string Window(const Node& node) {
  std::vector<std::string> keys;
  keys.reserve(node.partition_columns.size());
  for (const size_t column : node.partition_columns)
    keys.push_back(ColumnName(node.input->schema, column));
  const std::string partition =
      keys.empty() ? "" : absl::StrCat("PARTITION BY ", absl::StrJoin(keys, ", "), " ");
  const bool on_arrival = node.kind == Node::Kind::kArrivalWindow;
  return absl::StrCat(on_arrival ? "window on arrival " : "window ", partition, "RANGE INTERVAL '",
                      internal::FormatInterval(node.preceding_us),
                      "' PRECEDING: ", Aggregates(node));
}

std::string Line(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kScan:
      return absl::StrCat("scan ", node.relation);
    case Node::Kind::kFilter:
      return absl::StrCat("filter ", ToString(node.expressions[0], node.input->schema));
    case Node::Kind::kProject:
      return absl::StrCat("project ", Columns(node));
    case Node::Kind::kWindow:
    case Node::Kind::kArrivalWindow:
      return Window(node);
  }
  return "";
}

}  // namespace

void AnswerOnArrival(Node& node) {
  for (Node* step = &node; step != nullptr; step = step->input.get()) {
    if (step->kind == Node::Kind::kWindow) step->kind = Node::Kind::kArrivalWindow;
  }
}

std::string ToString(const Node& node) {
  std::string text;
  std::string indent;
  for (const Node* step = &node; step != nullptr; step = step->input.get()) {
    absl::StrAppend(&text, indent, Line(*step), "\n");
    indent += "  ";
  }
  return text;
}

}  // namespace streamml::sql
