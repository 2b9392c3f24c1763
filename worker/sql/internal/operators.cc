#include "worker/sql/internal/operators.h"

#include <array>
#include <limits>
#include <utility>

#include "base/status.h"
#include "worker/sql/internal/error.h"
#include "worker/sql/internal/refusal.h"

namespace streamml::sql::internal {
namespace {

using data::Type;

enum class Family : uint8_t { kArithmetic, kModulo, kPower, kConcatenation, kComparison };

struct Operator {
  std::string_view name;
  Family family;
  Function function;
};
constexpr std::array kOperators = std::to_array<Operator>({
    {"+", Family::kArithmetic, Function::kAdd},
    {"-", Family::kArithmetic, Function::kSubtract},
    {"*", Family::kArithmetic, Function::kMultiply},
    {"/", Family::kArithmetic, Function::kDivide},
    {"%", Family::kModulo, Function::kModulo},
    {"^", Family::kPower, Function::kPower},
    {"||", Family::kConcatenation, Function::kConcatenate},
    {"=", Family::kComparison, Function::kEqual},
    {"<>", Family::kComparison, Function::kNotEqual},
    {"<", Family::kComparison, Function::kLess},
    {"<=", Family::kComparison, Function::kLessOrEqual},
    {">", Family::kComparison, Function::kGreater},
    {">=", Family::kComparison, Function::kGreaterOrEqual},
});

const Operator* FindOperator(std::string_view name) {
  for (const Operator& entry : kOperators) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

absl::Status UnknownOperator(std::string_view name, int position) {
  const Refusal* refusal = FindRefusal(Subject::kOperator, name);
  if (refusal != nullptr) return Refuse(*refusal, position);
  return ErrorAt(position, "the operator ", name, " is not supported");
}

absl::Status NoSuchOperator(std::string_view name, const Typed& left, const Typed& right,
                            int position, std::string_view advice) {
  return ErrorAt(position, "operator does not exist: ", left.type_name(), " ", name, " ",
                 right.type_name(), advice);
}

absl::Status NeedsType(std::string_view name, int position) {
  return ErrorAt(position, "the type of what stands beside ", name,
                 " is unknown; write CAST(x AS bigint), say");
}

// A literal beside an interval or a timestamp is neither; everything else that is wrong gets
// advice.
absl::Status RefuseArithmetic(std::string_view name, const Typed& left, const Typed& right,
                              int position) {
  const bool time = left.IsValue(Type::kTimestamp) || right.IsValue(Type::kTimestamp);
  if (left.IsValue(Type::kTimestamp) && right.IsValue(Type::kTimestamp) && name == "-") {
    return NoSuchOperator(name, left, right, position,
                          "; write extract(epoch FROM a) - extract(epoch FROM b) for seconds");
  }
  if (time) {
    return NoSuchOperator(
        name, left, right, position,
        "; a timestamp takes + or - INTERVAL '1 hour', and intervals are constants");
  }
  if (left.form == Typed::Form::kInterval || right.form == Typed::Form::kInterval) {
    return NoSuchOperator(name, left, right, position, "; write the interval as one constant");
  }
  if (left.form == Typed::Form::kLiteral && right.form == Typed::Form::kLiteral) {
    return NeedsType(name, position);
  }
  return NoSuchOperator(name, left, right, position, MismatchAdvice(left, right));
}

absl::StatusOr<Typed> ShiftTimestamp(Typed timestamp, const Typed& interval, bool subtract,
                                     int position) {
  int64_t microseconds = std::get<int64_t>(interval.expression.constant);
  if (subtract) {
    if (microseconds == std::numeric_limits<int64_t>::min()) {
      return ErrorAt(interval.position(), "the interval is out of range");
    }
    microseconds = -microseconds;
  }
  std::vector<Expression> arguments;
  arguments.push_back(std::move(timestamp.expression));
  arguments.push_back(MakeConstant(microseconds, Type::kBigint, interval.position()));
  return MakeValue(
      MakeCall(Function::kAddMicroseconds, Type::kTimestamp, std::move(arguments), position));
}

absl::StatusOr<Typed> Arithmetic(const Operator& entry, Typed left, Typed right, int position) {
  const bool plus = entry.function == Function::kAdd;
  const bool minus = entry.function == Function::kSubtract;
  if ((plus || minus) && left.IsValue(Type::kTimestamp) && right.form == Typed::Form::kInterval) {
    return ShiftTimestamp(std::move(left), right, minus, position);
  }
  if (plus && left.form == Typed::Form::kInterval && right.IsValue(Type::kTimestamp)) {
    return ShiftTimestamp(std::move(right), left, false, position);
  }
  const auto fits = [](const Typed& value) {
    return value.IsNumber() || value.form == Typed::Form::kLiteral;
  };
  const bool some_number = left.IsNumber() || right.IsNumber();
  if (!some_number || !fits(left) || !fits(right)) {
    return RefuseArithmetic(entry.name, left, right, position);
  }
  std::vector<Typed> values;
  values.push_back(std::move(left));
  values.push_back(std::move(right));
  ASSIGN_OR_RETURN(std::vector<Expression> settled, SettleAll(std::move(values), entry.name));
  const Type type = settled[0].type;
  return MakeValue(MakeCall(entry.function, type, std::move(settled), position));
}

absl::StatusOr<Typed> Modulo(const Operator& entry, Typed left, Typed right, int position) {
  if (left.IsValue(Type::kDouble) || right.IsValue(Type::kDouble)) {
    return NoSuchOperator(entry.name, left, right, position,
                          "; write x - y * floor(x / y), or cast to bigint");
  }
  return Arithmetic(entry, std::move(left), std::move(right), position);
}

absl::StatusOr<Typed> Power(const Operator& entry, Typed left, Typed right, int position) {
  ASSIGN_OR_RETURN(Expression base, Settle(std::move(left), Type::kDouble, "left side of ^"));
  ASSIGN_OR_RETURN(Expression exponent, Settle(std::move(right), Type::kDouble, "right side of ^"));
  std::vector<Expression> arguments;
  arguments.push_back(std::move(base));
  arguments.push_back(std::move(exponent));
  return MakeValue(MakeCall(entry.function, Type::kDouble, std::move(arguments), position));
}

absl::StatusOr<Typed> Concatenation(Typed left, Typed right, int position) {
  const auto is_text = [](const Typed& value) {
    return value.IsValue(Type::kText) || value.form == Typed::Form::kLiteral;
  };
  if (!is_text(left) && !is_text(right)) {
    return NoSuchOperator("||", left, right, position, "; write CAST(x AS text) for one side");
  }
  std::vector<Expression> arguments;
  for (Typed* side : {&left, &right}) {
    const int start = side->position();
    ASSIGN_OR_RETURN(Expression text, CastTo(std::move(*side), Type::kText, start));
    arguments.push_back(std::move(text));
  }
  return MakeValue(MakeCall(Function::kConcatenate, Type::kText, std::move(arguments), position));
}

absl::StatusOr<Typed> Negate(Typed operand, int position) {
  Expression& value = operand.expression;
  if (operand.form == Typed::Form::kLiteral) return NeedsType("-", position);
  if (operand.form == Typed::Form::kValue && !operand.IsNumber()) {
    return ErrorAt(position, "operator does not exist: - ", operand.type_name());
  }
  if (int64_t* integer = std::get_if<int64_t>(&value.constant)) {
    if (*integer == std::numeric_limits<int64_t>::min()) {
      return ErrorAt(position, "the negated constant is out of range for bigint");
    }
    *integer = -*integer;
    return operand;
  }
  if (double* number = std::get_if<double>(&value.constant)) {
    *number = -*number;
    return operand;
  }
  const Type type = value.type;
  std::vector<Expression> arguments;
  arguments.push_back(std::move(value));
  return MakeValue(MakeCall(Function::kNegate, type, std::move(arguments), position));
}

}  // namespace

absl::StatusOr<Expression> Compare(Function function, std::string_view name, Typed left,
                                   Typed right, int position) {
  const bool both_values =
      left.form != Typed::Form::kInterval && right.form != Typed::Form::kInterval;
  std::vector<Typed> values;
  values.push_back(std::move(left));
  values.push_back(std::move(right));
  if (both_values && !CommonType(values, name).ok()) {
    return NoSuchOperator(name, values[0], values[1], position,
                          MismatchAdvice(values[0], values[1]));
  }
  ASSIGN_OR_RETURN(std::vector<Expression> settled, SettleAll(std::move(values), name));
  const Type type = function == Function::kNullIf ? settled[0].type : Type::kBoolean;
  return MakeCall(function, type, std::move(settled), position);
}

absl::StatusOr<Typed> ApplyBinary(std::string_view name, Typed left, Typed right, int position) {
  const Operator* entry = FindOperator(name);
  if (entry == nullptr) return UnknownOperator(name, position);
  switch (entry->family) {
    case Family::kArithmetic:
      return Arithmetic(*entry, std::move(left), std::move(right), position);
    case Family::kModulo:
      return Modulo(*entry, std::move(left), std::move(right), position);
    case Family::kPower:
      return Power(*entry, std::move(left), std::move(right), position);
    case Family::kConcatenation:
      return Concatenation(std::move(left), std::move(right), position);
    case Family::kComparison:
      break;
  }
  ASSIGN_OR_RETURN(Expression compared,
                   Compare(entry->function, name, std::move(left), std::move(right), position));
  return MakeValue(std::move(compared));
}

absl::StatusOr<Typed> ApplyUnary(std::string_view name, Typed operand, int position) {
  if (name == "-") return Negate(std::move(operand), position);
  if (name != "+") return UnknownOperator(name, position);
  if (operand.form == Typed::Form::kLiteral) return NeedsType("+", position);
  if (operand.form == Typed::Form::kInterval || operand.IsNumber()) return operand;
  return ErrorAt(position, "operator does not exist: + ", operand.type_name());
}

}  // namespace streamml::sql::internal
