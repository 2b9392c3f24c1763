#include "worker/sql/expression.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status.h"
#include "worker/sql/internal/interval.h"
#include "worker/sql/internal/suggestion.h"
#include "worker/sql/internal/time_field.h"
#include "worker/sql/value_text.h"

namespace streamml::sql {
namespace {

using data::Type;

enum class Form : uint8_t { kInfix, kPrefix, kPostfix, kCall, kSpecial };

struct Spelling {
  Function function;
  Form form;
  std::string_view text;
};
constexpr std::array kSpellings = std::to_array<Spelling>({
    {Function::kAdd, Form::kInfix, "+"},
    {Function::kSubtract, Form::kInfix, "-"},
    {Function::kMultiply, Form::kInfix, "*"},
    {Function::kDivide, Form::kInfix, "/"},
    {Function::kModulo, Form::kInfix, "%"},
    {Function::kNegate, Form::kPrefix, "-"},
    {Function::kAddMicroseconds, Form::kSpecial, ""},
    {Function::kEqual, Form::kInfix, "="},
    {Function::kNotEqual, Form::kInfix, "<>"},
    {Function::kLess, Form::kInfix, "<"},
    {Function::kLessOrEqual, Form::kInfix, "<="},
    {Function::kGreater, Form::kInfix, ">"},
    {Function::kGreaterOrEqual, Form::kInfix, ">="},
    {Function::kDistinct, Form::kInfix, "IS DISTINCT FROM"},
    {Function::kNotDistinct, Form::kInfix, "IS NOT DISTINCT FROM"},
    {Function::kAnd, Form::kInfix, "AND"},
    {Function::kOr, Form::kInfix, "OR"},
    {Function::kNot, Form::kPrefix, "NOT"},
    {Function::kIsNull, Form::kPostfix, "IS NULL"},
    {Function::kIsNotNull, Form::kPostfix, "IS NOT NULL"},
    {Function::kIsTrue, Form::kPostfix, "IS TRUE"},
    {Function::kIsNotTrue, Form::kPostfix, "IS NOT TRUE"},
    {Function::kIsFalse, Form::kPostfix, "IS FALSE"},
    {Function::kIsNotFalse, Form::kPostfix, "IS NOT FALSE"},
    {Function::kIn, Form::kSpecial, ""},
    {Function::kCoalesce, Form::kCall, "coalesce"},
    {Function::kNullIf, Form::kCall, "nullif"},
    {Function::kAbs, Form::kCall, "abs"},
    {Function::kSign, Form::kCall, "sign"},
    {Function::kLn, Form::kCall, "ln"},
    {Function::kLog10, Form::kCall, "log10"},
    {Function::kExp, Form::kCall, "exp"},
    {Function::kSqrt, Form::kCall, "sqrt"},
    {Function::kPower, Form::kCall, "power"},
    {Function::kFloor, Form::kCall, "floor"},
    {Function::kCeil, Form::kCall, "ceil"},
    {Function::kRound, Form::kCall, "round"},
    {Function::kGreatest, Form::kCall, "greatest"},
    {Function::kLeast, Form::kCall, "least"},
    {Function::kLower, Form::kCall, "lower"},
    {Function::kUpper, Form::kCall, "upper"},
    {Function::kLength, Form::kCall, "length"},
    {Function::kConcatenate, Form::kInfix, "||"},
    {Function::kSubstring, Form::kCall, "substring"},
    {Function::kLike, Form::kInfix, "LIKE"},
    {Function::kNotLike, Form::kInfix, "NOT LIKE"},
    {Function::kExtract, Form::kSpecial, ""},
    {Function::kDateTrunc, Form::kSpecial, ""},
});

// A constant that reads back with its type wherever it stands.
std::string ConstantText(const Expression& expression) {
  const std::string type(data::TypeName(expression.type));
  if (std::holds_alternative<std::monostate>(expression.constant))
    return absl::StrCat("CAST(NULL AS ", type, ")");
  std::string text = FormatValue(expression.constant, expression.type);
  switch (expression.type) {
    case Type::kText:
      return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "''"}}), "'");
    case Type::kTimestamp:
      return absl::StrCat("timestamp '", text, "'");
    case Type::kDouble:
      break;
    default:
      return text;
  }
  const bool is_finite = text.find_first_of("Nn") == std::string::npos;
  if (!is_finite) return absl::StrCat("CAST('", text, "' AS ", type, ")");
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

class Writer {
 public:
  explicit Writer(const data::Schema& input) : input_(input) {}

  void Write(const Expression& expression) {
    switch (expression.kind) {
      case Expression::Kind::kColumn:
        Add(internal::QuoteName(input_.field(expression.column).name));
        return;
      case Expression::Kind::kConstant:
        Add(ConstantText(expression));
        return;
      case Expression::Kind::kCall:
        WriteCall(expression);
        return;
      case Expression::Kind::kCase:
        WriteCase(expression);
        return;
      case Expression::Kind::kCast:
        Add("CAST(");
        Write(expression.arguments[0]);
        Add(" AS ", data::TypeName(expression.type), ")");
        return;
    }
  }

  std::string Take() { return std::move(text_); }

 private:
  template <typename... Parts>
  void Add(const Parts&... parts) {
    absl::StrAppend(&text_, parts...);
  }

  void WriteList(const std::vector<Expression>& list, size_t begin, std::string_view separator) {
    for (size_t i = begin; i < list.size(); ++i) {
      if (i > begin) Add(separator);
      Write(list[i]);
    }
  }

  void WriteCall(const Expression& call) {
    for (const Spelling& spelling : kSpellings) {
      if (spelling.function == call.function) return WriteForm(spelling, call);
    }
  }

  void WriteForm(const Spelling& spelling, const Expression& call) {
    if (spelling.form == Form::kSpecial) return WriteSpecial(call);
    if (spelling.form == Form::kCall) Add(spelling.text);
    Add("(");
    if (spelling.form == Form::kPrefix) Add(spelling.text, " ");
    WriteList(call.arguments, 0,
              spelling.form == Form::kInfix ? absl::StrCat(" ", spelling.text, " ") : ", ");
    if (spelling.form == Form::kPostfix) Add(" ", spelling.text);
    Add(")");
  }

  void WriteSpecial(const Expression& call) {
    const std::string_view field = internal::TimeFieldName(call.field);
    if (call.function == Function::kExtract) Add("extract(", field, " FROM ");
    if (call.function == Function::kDateTrunc) Add("date_trunc('", field, "', ");
    if (call.function == Function::kAddMicroseconds || call.function == Function::kIn) Add("(");
    Write(call.arguments[0]);
    if (call.function == Function::kAddMicroseconds) WriteInterval(call.arguments[1]);
    if (call.function == Function::kIn) {
      Add(" IN (");
      WriteList(call.arguments, 1, ", ");
      Add(")");
    }
    Add(")");
  }

  void WriteInterval(const Expression& microseconds) {
    Add(" + INTERVAL '", internal::FormatInterval(std::get<int64_t>(microseconds.constant)), "'");
  }

  void WriteCase(const Expression& expression) {
    Add("CASE");
    const std::vector<Expression>& arguments = expression.arguments;
    for (size_t i = 0; i + 1 < arguments.size(); i += 2) {
      Add(" WHEN ");
      Write(arguments[i]);
      Add(" THEN ");
      Write(arguments[i + 1]);
    }
    Add(" ELSE ");
    Write(arguments.back());
    Add(" END");
  }

  const data::Schema& input_;
  std::string text_;
};

}  // namespace

std::string ToString(const Expression& expression, const data::Schema& input) {
  Writer writer(input);
  writer.Write(expression);
  return writer.Take();
}

}  // namespace streamml::sql
