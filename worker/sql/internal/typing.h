// PostgreSQL's type rules for the five types: literals without a type, implicit and explicit casts,
// and the common type of several values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "worker/sql/expression.h"

namespace streamml::sql::internal {

// A value whose type may still depend on where it stands.
struct Typed {
  enum class Form : uint8_t {
    kValue,     // of type expression.type
    kLiteral,   // 'abc' or NULL: takes the type of its surroundings (PostgreSQL's "unknown")
    kInterval,  // a constant of microseconds; not a column type
  };
  Form form = Form::kValue;
  Expression expression;

  bool IsValue(data::Type type) const { return form == Form::kValue && expression.type == type; }
  bool IsNumber() const { return IsValue(data::Type::kBigint) || IsValue(data::Type::kDouble); }
  int position() const { return expression.position; }
  // "bigint", "unknown", "interval": as messages name it.
  std::string_view type_name() const;
};

Expression MakeColumn(size_t column, data::Type type, int position);
Expression MakeConstant(Value value, data::Type type, int position);
Expression MakeCall(Function function, data::Type type, std::vector<Expression> arguments,
                    int position);
Typed MakeValue(Expression expression);
Typed MakeLiteral(Value value, int position);
Typed MakeInterval(int64_t microseconds, int position);

// The value as `type` where PostgreSQL casts by itself: a literal is read, bigint becomes double.
// INVALID_ARGUMENT otherwise; `place` begins the message: "argument of WHERE".
absl::StatusOr<Expression> Settle(Typed value, data::Type type, std::string_view place);
// The value as it is; a literal becomes text. Intervals are refused.
absl::StatusOr<Expression> SettleAny(Typed value, std::string_view place);

// CAST(value AS type).
absl::StatusOr<Expression> CastTo(Typed value, data::Type type, int position);

// The type that all can be settled to: double if numbers mix, text if all are literals.
absl::StatusOr<data::Type> CommonType(absl::Span<const Typed> values, std::string_view place);
// All values settled to their common type.
absl::StatusOr<std::vector<Expression>> SettleAll(std::vector<Typed> values,
                                                  std::string_view place);

// "; write CAST(x AS bigint)" and the like: what brings these two types together.
std::string MismatchAdvice(const Typed& left, const Typed& right);

}  // namespace streamml::sql::internal
