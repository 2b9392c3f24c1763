#include "worker/operators/internal/window_answers.h"

#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace streamml::operators::internal {
namespace {

using data::Type;
using sql::AggregateFunction;

// Each gives the failure of an answer, or nullptr.

const char* AppendSum(const FrameLayout& layout, const FrameAnswers& answers,
                      const WindowOutput& output, data::Column& column) {
  const FrameArgument& argument = layout.arguments[output.argument];
  if (argument.type == Type::kDouble) {
    const double sum = answers.DoubleSum(argument);
    if (!std::isfinite(sum) && !answers.HasSpecial(argument)) return "value out of range: overflow";
    column.AppendDouble(sum);
    return nullptr;
  }
  const __int128 sum = answers.IntegerSum(argument);
  if (sum < std::numeric_limits<int64_t>::min() || sum > std::numeric_limits<int64_t>::max()) {
    return "bigint out of range";
  }
  column.AppendInteger(static_cast<int64_t>(sum));
  return nullptr;
}

const char* AppendAverage(const FrameLayout& layout, const FrameAnswers& answers,
                          const WindowOutput& output, data::Column& column) {
  const FrameArgument& argument = layout.arguments[output.argument];
  const auto count = static_cast<double>(answers.Count(argument));
  if (argument.type == Type::kDouble) {
    const double sum = answers.DoubleSum(argument);
    if (!std::isfinite(sum) && !answers.HasSpecial(argument)) return "value out of range: overflow";
    column.AppendDouble(sum / count);
    return nullptr;
  }
  column.AppendDouble(static_cast<double>(answers.IntegerSum(argument)) / count);
  return nullptr;
}

void AppendExtreme(const FrameAnswers& answers, const FrameArgument& argument, uint32_t row,
                   data::Column& column) {
  if (argument.type == Type::kText) return column.AppendText(answers.Text(argument, row));
  const uint64_t bits = answers.Value(argument, row);
  argument.type == Type::kDouble ? column.AppendDouble(std::bit_cast<double>(bits))
                                 : column.AppendInteger(static_cast<int64_t>(bits));
}

const char* AppendAnswer(const FrameLayout& layout, const FrameAnswers& answers,
                         const WindowOutput& output, data::Column& column) {
  const bool counts = output.aggregate.function == AggregateFunction::kCount;
  if (output.argument == kNoArgument) {
    column.AppendInteger(answers.num_rows());
    return nullptr;
  }
  const FrameArgument& argument = layout.arguments[output.argument];
  const int64_t count = answers.Count(argument);
  if (!counts && count == 0) {
    column.AppendNull();
    return nullptr;
  }
  switch (output.aggregate.function) {
    case AggregateFunction::kCount:
      column.AppendInteger(count);
      break;
    case AggregateFunction::kSum:
      return AppendSum(layout, answers, output, column);
    case AggregateFunction::kAverage:
      return AppendAverage(layout, answers, output, column);
    case AggregateFunction::kMinimum:
      AppendExtreme(answers, argument, answers.MinimumRow(argument), column);
      break;
    case AggregateFunction::kMaximum:
      AppendExtreme(answers, argument, answers.MaximumRow(argument), column);
      break;
  }
  return nullptr;
}

}  // namespace

// NOLINTNEXTLINE(*-member-init): only what is used
WindowRow::WindowRow(const FrameLayout& layout, const data::Batch& input, size_t row)
    : time_(input.origin(row).time), size_(layout.arguments.size()) {
  for (size_t a = 0; a < size_; ++a) {
    const data::Column& column = input.column(layout.arguments[a].column);
    if (!column.HasValue(row)) {
      nulls_ |= uint32_t{1} << a;
      values_[a] = 0;
      texts_[a] = {};
    } else if (layout.arguments[a].type == Type::kText) {
      texts_[a] = column.Text(row);
    } else if (layout.arguments[a].type == Type::kDouble) {
      values_[a] = std::bit_cast<uint64_t>(column.Double(row));
    } else if (layout.arguments[a].type == Type::kBoolean) {
      values_[a] = column.Boolean(row) ? 1 : 0;
    } else {
      values_[a] = static_cast<uint64_t>(column.Integer(row));
    }
  }
}

WindowAnswers::WindowAnswers(const WindowPlan& plan, size_t num_rows) : plan_(plan) {
  for (const WindowOutput& output : plan.outputs) {
    columns_.push_back(std::make_shared<data::Column>(output.aggregate.output.type));
    columns_.back()->Reserve(num_rows);
  }
}

void WindowAnswers::Append(Frame& frame) {
  const FrameAnswers answers(plan_.layout, frame);
  for (size_t i = 0; i < plan_.outputs.size(); ++i) {
    const char* problem = AppendAnswer(plan_.layout, answers, plan_.outputs[i], *columns_[i]);
    if (problem == nullptr) continue;
    columns_[i]->AppendFailed();
    failed_.push_back({num_rows_, absl::StrCat(problem, " in column '",
                                               plan_.outputs[i].aggregate.output.name, "'")});
  }
  ++num_rows_;
}

data::Batch WindowAnswers::Finish(const data::Batch& input, Dropped& dropped) && {
  std::vector<std::shared_ptr<const data::Column>> columns = input.columns();
  columns.insert(columns.end(), columns_.begin(), columns_.end());
  data::Batch output(plan_.schema, std::move(columns), input.shared_origins());
  return DropFailed(input, std::move(output), std::move(failed_), dropped);
}

}  // namespace streamml::operators::internal
