#include "worker/sql/internal/typing.h"

#include <algorithm>
#include <optional>

#include "base/status.h"
#include "worker/sql/internal/error.h"
#include "worker/sql/value_text.h"

namespace streamml::sql::internal {
namespace {

using data::Type;
using data::TypeName;

absl::StatusOr<Expression> ReadLiteral(Typed literal, Type type) {
  Expression& constant = literal.expression;
  constant.type = type;
  if (std::holds_alternative<std::monostate>(constant.constant)) return std::move(constant);
  const std::string text = std::get<std::string>(constant.constant);
  const std::optional<Value> value = ParseValue(text, type);
  if (!value.has_value()) {
    return ErrorAt(constant.position, "invalid value for type ", TypeName(type), ": '", text, "'");
  }
  constant.constant = *value;
  return std::move(constant);
}

Expression WidenToDouble(Expression expression) {
  const bool is_constant = expression.kind == Expression::Kind::kConstant;
  if (is_constant && std::holds_alternative<int64_t>(expression.constant)) {
    expression.constant = static_cast<double>(std::get<int64_t>(expression.constant));
  }
  if (is_constant) {
    expression.type = Type::kDouble;
    return expression;
  }
  Expression cast;
  cast.kind = Expression::Kind::kCast;
  cast.type = Type::kDouble;
  cast.position = expression.position;
  cast.arguments.push_back(std::move(expression));
  return cast;
}

// Casts between types of values other than text. Text casts to and from everything.
bool CanCast(Type from, Type to) {
  if (from == to || from == Type::kText || to == Type::kText) return true;
  switch (from) {
    case Type::kBigint:
      return to == Type::kDouble || to == Type::kBoolean;
    case Type::kDouble:
    case Type::kBoolean:
      return to == Type::kBigint;
    default:
      return false;
  }
}

std::string_view CastAdvice(Type from, Type to) {
  if (from == Type::kTimestamp) return "; write extract(epoch FROM x)";
  if (to == Type::kTimestamp) return "; declare the column as timestamp with a unit";
  if (from == Type::kDouble && to == Type::kBoolean) return "; write x <> 0";
  if (from == Type::kBoolean) return "; write CAST(CAST(x AS bigint) AS double precision)";
  return "";
}

absl::Status IntervalAsValue(const Typed& value, std::string_view place) {
  return ErrorAt(value.position(), place,
                 " is an interval, which is not a column type here; intervals may be ",
                 "added to and subtracted from a timestamp");
}

}  // namespace

std::string_view Typed::type_name() const {
  switch (form) {
    case Form::kLiteral:
      return "unknown";
    case Form::kInterval:
      return "interval";
    case Form::kValue:
      break;
  }
  return TypeName(expression.type);
}

Expression MakeColumn(size_t column, Type type, int position) {
  Expression expression;
  expression.kind = Expression::Kind::kColumn;
  expression.column = column;
  expression.type = type;
  expression.position = position;
  return expression;
}

Expression MakeConstant(Value value, Type type, int position) {
  Expression expression;
  expression.constant = std::move(value);
  expression.type = type;
  expression.position = position;
  return expression;
}

Expression MakeCall(Function function, Type type, std::vector<Expression> arguments, int position) {
  Expression expression;
  expression.kind = Expression::Kind::kCall;
  expression.function = function;
  expression.type = type;
  expression.arguments = std::move(arguments);
  expression.position = position;
  return expression;
}

Typed MakeValue(Expression expression) { return {Typed::Form::kValue, std::move(expression)}; }

Typed MakeLiteral(Value value, int position) {
  return {Typed::Form::kLiteral, MakeConstant(std::move(value), Type::kText, position)};
}

Typed MakeInterval(int64_t microseconds, int position) {
  return {Typed::Form::kInterval, MakeConstant(microseconds, Type::kBigint, position)};
}

absl::StatusOr<Expression> Settle(Typed value, Type type, std::string_view place) {
  if (value.form == Typed::Form::kLiteral) return ReadLiteral(std::move(value), type);
  if (value.form == Typed::Form::kInterval) return IntervalAsValue(value, place);
  if (value.expression.type == type) return std::move(value.expression);
  if (type == Type::kDouble && value.IsValue(Type::kBigint))
    return WidenToDouble(std::move(value.expression));
  const bool can_cast = CanCast(value.expression.type, type);
  return ErrorAt(value.position(), place, " must be ", TypeName(type), ", not ", value.type_name(),
                 can_cast ? absl::StrCat("; write CAST(x AS ", TypeName(type), ")")
                          : std::string(CastAdvice(value.expression.type, type)));
}

absl::StatusOr<Expression> SettleAny(Typed value, std::string_view place) {
  const Type type = value.form == Typed::Form::kLiteral ? Type::kText : value.expression.type;
  return Settle(std::move(value), type, place);
}

absl::StatusOr<Expression> CastTo(Typed value, Type type, int position) {
  if (value.form == Typed::Form::kLiteral) return ReadLiteral(std::move(value), type);
  if (value.form == Typed::Form::kInterval) return IntervalAsValue(value, "argument of CAST");
  const Type from = value.expression.type;
  if (from == type) return std::move(value.expression);
  if (!CanCast(from, type)) {
    return ErrorAt(position, "cannot cast ", TypeName(from), " to ", TypeName(type),
                   CastAdvice(from, type));
  }
  if (type == Type::kDouble && from == Type::kBigint)
    return WidenToDouble(std::move(value.expression));
  Expression cast;
  cast.kind = Expression::Kind::kCast;
  cast.type = type;
  cast.position = position;
  cast.arguments.push_back(std::move(value.expression));
  return cast;
}

absl::StatusOr<Type> CommonType(absl::Span<const Typed> values, std::string_view place) {
  const Typed* common = nullptr;
  for (const Typed& value : values) {
    if (value.form == Typed::Form::kInterval) return IntervalAsValue(value, place);
    if (value.form == Typed::Form::kLiteral) continue;
    if (common == nullptr) common = &value;
    if (common->expression.type == value.expression.type) continue;
    if (!common->IsNumber() || !value.IsNumber()) {
      return ErrorAt(value.position(), place, ": types ", common->type_name(), " and ",
                     value.type_name(), " cannot be matched", MismatchAdvice(*common, value));
    }
    if (value.IsValue(Type::kDouble)) common = &value;
  }
  return common == nullptr ? Type::kText : common->expression.type;
}

absl::StatusOr<std::vector<Expression>> SettleAll(std::vector<Typed> values,
                                                  std::string_view place) {
  ASSIGN_OR_RETURN(const Type type, CommonType(values, place));
  std::vector<Expression> settled;
  settled.reserve(values.size());
  for (Typed& value : values) {
    ASSIGN_OR_RETURN(Expression expression, Settle(std::move(value), type, place));
    settled.push_back(std::move(expression));
  }
  return settled;
}

std::string MismatchAdvice(const Typed& left, const Typed& right) {
  const auto either = [&](Type type) { return left.IsValue(type) || right.IsValue(type); };
  const bool number = left.IsNumber() || right.IsNumber();
  if (left.form != Typed::Form::kValue || right.form != Typed::Form::kValue) return "";
  if (either(Type::kText)) {
    const Type other = left.IsValue(Type::kText) ? right.expression.type : left.expression.type;
    return absl::StrCat("; write CAST(x AS ", TypeName(other), ") for the text x");
  }
  if (number && either(Type::kTimestamp))
    return "; write extract(epoch FROM x) for the timestamp x";
  if (number && either(Type::kBoolean)) return "; write CAST(x AS bigint) for the boolean x";
  return "; cast one of them";
}

}  // namespace streamml::sql::internal
