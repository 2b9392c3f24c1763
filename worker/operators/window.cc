#include "worker/operators/window.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/status.h"
#include "worker/data/partition_key.h"
#include "worker/operators/internal/drop_failed.h"
#include "worker/operators/internal/frame.h"
#include "worker/state/expiring_state.h"

namespace streamml::operators {

namespace {

using data::Type;
using internal::Frame;
using internal::FrameAnswers;
using internal::FrameArgument;
using internal::FrameCodec;
using internal::FrameLayout;
using sql::AggregateFunction;
using State = state::ExpiringState<Frame, FrameCodec>;

// An aggregate and the place of its argument in the layout; kNoArgument: count(*).
struct Output {
  sql::Aggregate aggregate;
  size_t argument;
};
constexpr size_t kNoArgument = static_cast<size_t>(-1);

struct WindowPlan {
  std::shared_ptr<const data::Schema> schema;  // of the output; shared with its batches
  std::vector<size_t> partition_columns;
  int64_t preceding_us = 0;
  std::vector<Output> outputs;
  FrameLayout layout;
};

int64_t BucketLength(int64_t preceding_us) {
  constexpr int64_t kLeast = 1'000'000;
  return std::max(preceding_us / 8, kLeast);
}

class Window final : public Operator {
 public:
  Window(WindowPlan plan, state::StateId id, state::StateSet& states)
      : plan_(std::move(plan)),
        state_(std::move(id), FrameCodec(plan_.layout), BucketLength(plan_.preceding_us), states) {}

  absl::StatusOr<data::Batch> Process(const data::Batch& input, Dropped& dropped) override;
  std::shared_ptr<const data::Schema> output_schema() const override { return plan_.schema; }

 private:
  struct Rows {
    size_t begin;
    size_t end;
  };
  using Columns = std::vector<std::shared_ptr<data::Column>>;

  absl::Status CheckOrder(int64_t time) const;
  void Add(const data::Batch& input, size_t row, int64_t frame_begin);
  void Answer(size_t row, Frame& frame, Columns& columns);
  // The failure of a sum, or nullptr.
  const char* AppendSum(const FrameAnswers& answers, const Output& output, data::Column& column);
  const char* AppendAverage(const FrameAnswers& answers, const Output& output,
                            data::Column& column);
  const char* AppendAnswer(const FrameAnswers& answers, const Output& output, data::Column& column);

  const WindowPlan plan_;
  State state_;
  std::optional<int64_t> last_time_;  // a check of the lane, not state: nothing depends on it
  // Buffers that live from batch to batch.
  std::string key_;
  std::vector<State::Handle> handles_;
  std::vector<FailedValue> failed_;
};

absl::Status Window::CheckOrder(int64_t time) const {
  if (!last_time_.has_value() || time > *last_time_) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("window: a row of event time ", time, " after one of ",
                                          *last_time_, " of an earlier group or batch"));
}

void Window::Add(const data::Batch& input, size_t row, int64_t frame_begin) {
  const int64_t time = input.origin(row).time;
  std::array<uint64_t, internal::kMaxArguments> values;  // NOLINT(*-member-init): only what is used
  std::array<std::string_view, internal::kMaxArguments> texts;
  uint32_t nulls = 0;
  const std::vector<FrameArgument>& arguments = plan_.layout.arguments;
  for (size_t a = 0; a < arguments.size(); ++a) {
    const data::Column& column = input.column(arguments[a].column);
    if (!column.HasValue(row)) {
      nulls |= uint32_t{1} << a;
      values[a] = 0;
      texts[a] = {};
    } else if (arguments[a].type == Type::kText) {
      texts[a] = column.Text(row);
    } else if (arguments[a].type == Type::kDouble) {
      values[a] = std::bit_cast<uint64_t>(column.Double(row));
    } else if (arguments[a].type == Type::kBoolean) {
      values[a] = column.Boolean(row) ? 1 : 0;
    } else {
      values[a] = static_cast<uint64_t>(column.Integer(row));
    }
  }
  key_.clear();
  data::AppendPartitionKey(input, row, plan_.partition_columns, key_);
  handles_.push_back(state_.Touch(key_, time));
  Frame& frame = state_.At(handles_.back());
  internal::EvictBefore(plan_.layout, frame_begin, frame);
  internal::Append(
      plan_.layout,
      {time, nulls, {values.data(), arguments.size()}, {texts.data(), arguments.size()}}, frame);
}

const char* Window::AppendSum(const FrameAnswers& answers, const Output& output,
                              data::Column& column) {
  const FrameArgument& argument = plan_.layout.arguments[output.argument];
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

const char* Window::AppendAverage(const FrameAnswers& answers, const Output& output,
                                  data::Column& column) {
  const FrameArgument& argument = plan_.layout.arguments[output.argument];
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

const char* Window::AppendAnswer(const FrameAnswers& answers, const Output& output,
                                 data::Column& column) {
  const bool counts = output.aggregate.function == AggregateFunction::kCount;
  if (output.argument == kNoArgument) {
    column.AppendInteger(answers.num_rows());
    return nullptr;
  }
  const FrameArgument& argument = plan_.layout.arguments[output.argument];
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
      return AppendSum(answers, output, column);
    case AggregateFunction::kAverage:
      return AppendAverage(answers, output, column);
    case AggregateFunction::kMinimum:
      AppendExtreme(answers, argument, answers.MinimumRow(argument), column);
      break;
    case AggregateFunction::kMaximum:
      AppendExtreme(answers, argument, answers.MaximumRow(argument), column);
      break;
  }
  return nullptr;
}

void Window::Answer(size_t row, Frame& frame, Columns& columns) {
  const FrameAnswers answers(plan_.layout, frame);
  for (size_t i = 0; i < plan_.outputs.size(); ++i) {
    const char* problem = AppendAnswer(answers, plan_.outputs[i], *columns[i]);
    if (problem == nullptr) continue;
    columns[i]->AppendFailed();
    failed_.push_back(
        {static_cast<uint32_t>(row),
         absl::StrCat(problem, " in column '", plan_.outputs[i].aggregate.output.name, "'")});
  }
}

absl::StatusOr<data::Batch> Window::Process(const data::Batch& input, Dropped& dropped) {
  Columns answers;
  for (const Output& output : plan_.outputs) {
    answers.push_back(std::make_shared<data::Column>(output.aggregate.output.type));
    answers.back()->Reserve(input.num_rows());
  }
  failed_.clear();
  Rows peers = {0, 0};
  for (; peers.begin < input.num_rows(); peers.begin = peers.end) {
    const int64_t time = input.origin(peers.begin).time;
    RETURN_IF_ERROR(CheckOrder(time));
    last_time_ = time;
    while (peers.end < input.num_rows() && input.origin(peers.end).time == time) ++peers.end;
    int64_t frame_begin = 0;
    const bool underflow = __builtin_sub_overflow(time, plan_.preceding_us, &frame_begin);
    if (underflow) frame_begin = std::numeric_limits<int64_t>::min();
    state_.ExpireBefore(frame_begin);
    handles_.clear();
    for (size_t row = peers.begin; row < peers.end; ++row) Add(input, row, frame_begin);
    for (size_t row = peers.begin; row < peers.end; ++row) {
      Answer(row, state_.At(handles_[row - peers.begin]), answers);
    }
  }
  std::vector<std::shared_ptr<const data::Column>> columns = input.columns();
  columns.insert(columns.end(), answers.begin(), answers.end());
  data::Batch output(plan_.schema, std::move(columns), input.shared_origins());
  return internal::DropFailed(input, std::move(output), std::move(failed_), dropped);
}

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

// Stored frames mean something else when any of this changes.
uint64_t StateHash(const WindowPlan& plan, const data::Schema& input) {
  std::string text = "window frame 1";
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

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeWindow(
    const sql::Node& node, const std::shared_ptr<const data::Schema>& input,
    const OperatorContext& context) {
  RETURN_IF_ERROR(CheckNode(node, *input));
  std::vector<FrameArgument> arguments = CollectArguments(node, *input);
  if (arguments.size() > internal::kMaxArguments) {
    return absl::InvalidArgumentError(absl::StrCat("window: aggregates over ", arguments.size(),
                                                   " different columns, allowed ",
                                                   internal::kMaxArguments));
  }
  WindowPlan plan;
  plan.schema = std::make_shared<const data::Schema>(node.schema);
  plan.partition_columns = node.partition_columns;
  plan.preceding_us = node.preceding_us;
  plan.layout = internal::MakeLayout(std::move(arguments));
  for (const sql::Aggregate& aggregate : node.aggregates) {
    size_t place = kNoArgument;
    for (size_t a = 0; a < plan.layout.arguments.size(); ++a) {
      if (static_cast<int>(plan.layout.arguments[a].column) == aggregate.argument) place = a;
    }
    plan.outputs.push_back({aggregate, place});
  }
  state::StateId id{context.owner, context.name + ".rows", StateHash(plan, *input)};
  return std::make_unique<Window>(std::move(plan), std::move(id), *context.states);
}

}  // namespace streamml::operators
