#include "worker/sql/internal/type_names.h"

#include <array>

#include "base/status.h"
#include "base/wording.h"
#include "worker/sql/internal/error.h"
#include "worker/sql/internal/interval.h"
#include "worker/sql/internal/refusal.h"
#include "worker/sql/internal/suggestion.h"

namespace streamml::sql::internal {
namespace {

struct Name {
  std::string_view name;  // PostgreSQL's internal name, which its grammar gives to all synonyms
  CastTarget target;
};
constexpr std::array kNames = std::to_array<Name>({
    {"bool", {data::Type::kBoolean, false}},
    {"int8", {data::Type::kBigint, false}},
    {"float8", {data::Type::kDouble, false}},
    {"text", {data::Type::kText, false}},
    {"timestamp", {data::Type::kTimestamp, false}},
    {"interval", {data::Type::kText, true}},
});

}  // namespace

absl::StatusOr<CastTarget> ReadTypeName(const Tree& type_name, int position) {
  const int place = type_name.Position(position);
  const std::string_view name = LastName(type_name["names"]);
  // substring(x FOR n) comes with a cast to integer that nobody wrote.
  if (name == "int4" && type_name["location"].number() < 0)
    return CastTarget{data::Type::kBigint, false};
  if (type_name["arrayBounds"].present()) {
    return ErrorAt(
        place,
        "array types are not supported: columns are boolean, bigint, double precision, text ",
        "and timestamp");
  }
  for (const Name& entry : kNames) {
    if (entry.name != name) continue;
    if (!type_name["typmods"].present()) return entry.target;
    if (entry.target.is_interval) {
      return ErrorAt(place,
                     "interval with fields or precision is not supported: write INTERVAL '1 hour'");
    }
    return ErrorAt(place, "type ", name,
                   " with a precision is not supported: leave the precision out");
  }
  if (const Refusal* refusal = FindRefusal(Subject::kType, name)) return Refuse(*refusal, place);
  const std::vector<std::string> known = {"bigint", "boolean", "text", "timestamp"};
  const std::string* nearest = Nearest(name, known);
  if (nearest != nullptr) {
    return ErrorAt(place, "unknown type ", QuoteName(name), "; did you mean ", *nearest, "?");
  }
  return ErrorAt(place, "unknown type ", QuoteName(name),
                 "; types are boolean, bigint, double precision, text and timestamp");
}

absl::StatusOr<Typed> ReadInterval(const Typed& value, int position) {
  if (value.form == Typed::Form::kInterval) return value;
  const auto* text = std::get_if<std::string>(&value.expression.constant);
  const bool is_text = value.form == Typed::Form::kLiteral || value.IsValue(data::Type::kText);
  if (!is_text || text == nullptr || value.expression.kind != Expression::Kind::kConstant) {
    return ErrorAt(position, "an interval must be a constant: write INTERVAL '1 hour'");
  }
  ASSIGN_OR_RETURN(const int64_t microseconds, ParseInterval(*text, value.position()));
  return MakeInterval(microseconds, position);
}

}  // namespace streamml::sql::internal
