// A checked scalar expression: typed, names resolved to column indexes, casts explicit. What the
// SQL analyzer produces and the operators evaluate.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "worker/data/schema.h"

namespace streamml::sql {

// std::monostate is NULL. int64_t serves bigint and timestamp. Intervals exist only as constants,
// in microseconds, folded away by the analyzer (timestamp +- interval becomes kAddMicroseconds).
using Value = std::variant<std::monostate, bool, int64_t, double, std::string>;

// Strict functions give NULL for any NULL argument, and failed for any failed one. "fails" names
// what marks the row's value as failed. Result types are in Expression::type.
enum class Function : uint8_t {
  // Arithmetic, strict. Both arguments have one type: bigint (fails on overflow, and kDivide and
  // kModulo
  // on zero; division truncates) or double (fails as PostgreSQL does on zero divisors, overflow of
  // finite
  // arguments and underflow to zero).
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kNegate,
  // timestamp + bigint microseconds -> timestamp; timestamp - timestamp -> bigint microseconds is
  // not
  // offered until intervals are a type.
  kAddMicroseconds,
  // Comparison, strict; both arguments have one type. Doubles: NaN = NaN and NaN > all, as in
  // PostgreSQL.
  // Text compares by code point (bytes of UTF-8).
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  // x IS [NOT] DISTINCT FROM y; never NULL.
  kDistinct,
  kNotDistinct,
  // Three-valued logic, n-ary for kAnd and kOr: a deciding argument wins over NULL and failed ones.
  kAnd,
  kOr,
  kNot,
  // Never NULL.
  kIsNull,
  kIsNotNull,
  kIsTrue,
  kIsNotTrue,
  kIsFalse,
  kIsNotFalse,
  // x IN (a, b, ...): arguments x, a, b, ...; SQL's NULL rules.
  kIn,
  // First argument that is not NULL; later ones are not evaluated.
  kCoalesce,
  // NULL when both are equal, else the first.
  kNullIf,
  // Numeric functions of double (kAbs and kSign also bigint), strict. kLn, kLog10, kSqrt and kPower
  // fail
  // outside their domain.
  kAbs,
  kSign,
  kLn,
  kLog10,
  kExp,
  kSqrt,
  kPower,
  kFloor,
  kCeil,
  kRound,
  kGreatest,
  kLeast,  // ignore NULLs
  // Text, strict. Lengths and positions count code points.
  kLower,
  kUpper,
  kLength,
  kConcatenate,
  kSubstring,
  // Arguments: text pattern escape-free LIKE with % and _ and backslash escape.
  kLike,
  kNotLike,
  // extract(field FROM timestamp) -> double; the field is Expression::field.
  kExtract,
  // date_trunc(field, timestamp) -> timestamp; the field is Expression::field.
  kDateTrunc,
};

enum class TimeField : uint8_t {
  kMicroseconds,
  kMilliseconds,
  kSecond,
  kMinute,
  kHour,
  kDay,
  kDayOfWeek,
  kIsoDayOfWeek,
  kDayOfYear,
  kWeek,
  kMonth,
  kQuarter,
  kYear,
  kEpoch
};

struct Expression {
  enum class Kind : uint8_t {
    kColumn,    // `column` of the input
    kConstant,  // `constant`
    kCall,      // `function` of `arguments`
    kCase,      // arguments: condition 1, result 1, condition 2, result 2, ..., else result
    kCast,  // arguments[0] to `type`; fails on text that is not such a value, range overflow ...
  };

  Kind kind = Kind::kConstant;
  data::Type type = data::Type::kBoolean;
  size_t column = 0;
  Value constant;
  Function function = Function::kAdd;
  TimeField field = TimeField::kSecond;
  std::vector<Expression> arguments;
  int position = 0;  // byte offset in the SQL text, for error messages

  friend bool operator==(const Expression&, const Expression&) = default;
};

// The expression as SQL text with column names of `input`, fully parenthesised; for `explain`.
std::string ToString(const Expression& expression, const data::Schema& input);

}  // namespace streamml::sql
