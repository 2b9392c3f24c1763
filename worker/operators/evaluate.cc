#include "worker/operators/evaluate.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/operators/internal/kernels.h"
#include "worker/operators/internal/signature.h"
#include "worker/operators/internal/values.h"

namespace streamml::operators {

namespace internal {

// One node of the expression. `expression` has no arguments of its own here: they are the steps in
// `arguments`.
struct Step {
  sql::Expression expression;
  Kernel kernel = nullptr;  // kCall, kCase, kCast
  Values constant;          // kConstant
  std::vector<Step> arguments;

  Values Run(const data::Batch& batch) const;
};

Values Step::Run(const data::Batch& batch) const {
  if (expression.kind == sql::Expression::Kind::kColumn) {
    return {batch.shared_column(expression.column), false, {}};
  }
  if (expression.kind == sql::Expression::Kind::kConstant) return constant;
  std::vector<Values> values;
  values.reserve(arguments.size());
  for (const Step& argument : arguments) values.push_back(argument.Run(batch));
  return kernel(expression, values, batch.num_rows());
}

namespace {

using sql::Expression;

const KernelEntry* FindKernel(sql::Function function) {
  for (const auto family : {ArithmeticKernels, ComparisonKernels, LogicKernels, MathKernels,
                            TextKernels, TimeKernels}) {
    for (const KernelEntry& entry : family()) {
      if (entry.function == function) return &entry;
    }
  }
  return nullptr;
}

absl::StatusOr<Values> MakeConstant(const Expression& expression) {
  Result result(expression.type, 1);
  const sql::Value& value = expression.constant;
  const bool is_integer =
      expression.type == data::Type::kBigint || expression.type == data::Type::kTimestamp;
  if (std::holds_alternative<std::monostate>(value)) {
    result.Null();
  } else if (expression.type == data::Type::kBoolean && std::holds_alternative<bool>(value)) {
    result.Boolean(std::get<bool>(value));
  } else if (is_integer && std::holds_alternative<int64_t>(value)) {
    result.Integer(std::get<int64_t>(value));
  } else if (expression.type == data::Type::kDouble && std::holds_alternative<double>(value)) {
    result.Double(std::get<double>(value));
  } else if (expression.type == data::Type::kText && std::holds_alternative<std::string>(value)) {
    result.Text(std::get<std::string>(value));
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("constant: the value is not of type ", data::TypeName(expression.type)));
  }
  return result.Finish(true);
}

absl::Status CheckCase(const Expression& expression, const std::vector<data::Type>& types) {
  for (size_t i = 0; i < types.size(); ++i) {
    const bool is_condition = i % 2 == 0 && i + 1 < types.size();
    const data::Type wanted = is_condition ? data::Type::kBoolean : expression.type;
    if (types[i] == wanted) continue;
    return absl::InvalidArgumentError(absl::StrCat("CASE: part ", i + 1, " is ",
                                                   data::TypeName(types[i]), ", allowed ",
                                                   data::TypeName(wanted)));
  }
  if (types.size() >= 2) return absl::OkStatus();
  return absl::InvalidArgumentError("CASE: no condition and result");
}

absl::Status CheckCast(const Expression& expression, const std::vector<data::Type>& types) {
  if (types.size() == 1 && CanCast(types[0], expression.type)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("CAST: ", types.empty() ? "nothing" : data::TypeName(types[0]),
                   " cannot become ", data::TypeName(expression.type)));
}

absl::Status CheckColumn(const Expression& expression, const data::Schema& input) {
  if (expression.column >= input.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("column ", expression.column, " of an input with ", input.size()));
  }
  const data::Field& field = input.field(expression.column);
  if (field.type == expression.type) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("column '", field.name, "' is ",
                                                 data::TypeName(field.type), ", taken for ",
                                                 data::TypeName(expression.type)));
}

absl::Status SetKernel(Step& step, const std::vector<data::Type>& types) {
  switch (step.expression.kind) {
    case Expression::Kind::kCase:
      step.kernel = EvaluateCase;
      return CheckCase(step.expression, types);
    case Expression::Kind::kCast:
      step.kernel = EvaluateCast;
      return CheckCast(step.expression, types);
    default:
      break;
  }
  const KernelEntry* entry = FindKernel(step.expression.function);
  if (entry == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "function ", static_cast<int>(step.expression.function), " is not one of the operators"));
  }
  step.kernel = entry->kernel;
  return CheckSignature(*entry, step.expression, types);
}

absl::StatusOr<Step> MakeStep(const Expression& expression, const data::Schema& input) {
  Step step;
  step.expression = expression;
  step.expression.arguments.clear();
  if (expression.kind == Expression::Kind::kColumn) {
    RETURN_IF_ERROR(CheckColumn(expression, input));
    return step;
  }
  if (expression.kind == Expression::Kind::kConstant) {
    ASSIGN_OR_RETURN(step.constant, MakeConstant(expression));
    return step;
  }
  std::vector<data::Type> types;
  for (const Expression& argument : expression.arguments) {
    ASSIGN_OR_RETURN(Step made, MakeStep(argument, input));
    types.push_back(made.expression.type);
    step.arguments.push_back(std::move(made));
  }
  RETURN_IF_ERROR(SetKernel(step, types));
  return step;
}

// A constant as a column of `rows` rows.
Values Repeat(const Values& values, size_t rows) {
  Result result(values.type(), rows);
  for (size_t row = 0; row < rows; ++row) result.Copy(values, row);
  return result.Finish(false);
}

}  // namespace
}  // namespace internal

Evaluator::Evaluator(std::unique_ptr<const internal::Step> root) : root_(std::move(root)) {}
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;
Evaluator::~Evaluator() = default;

absl::StatusOr<Evaluator> Evaluator::Make(const sql::Expression& expression,
                                          const data::Schema& input) {
  ASSIGN_OR_RETURN(internal::Step root, internal::MakeStep(expression, input));
  return Evaluator(std::make_unique<const internal::Step>(std::move(root)));
}

data::Type Evaluator::type() const { return root_->expression.type; }

std::shared_ptr<const data::Column> Evaluator::Evaluate(const data::Batch& batch,
                                                        std::vector<FailedValue>& failed) const {
  internal::Values values = root_->Run(batch);
  if (values.constant) values = internal::Repeat(values, batch.num_rows());
  for (internal::Failure& failure : values.failures) {
    failed.push_back({failure.row, absl::StrCat(failure.message, failure.detail, failure.rest)});
  }
  return std::move(values.column);
}

}  // namespace streamml::operators
