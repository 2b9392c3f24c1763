#include "worker/sql/internal/functions.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/str_join.h"
#include "base/status.h"
#include "worker/sql/internal/error.h"
#include "worker/sql/internal/refusal.h"
#include "worker/sql/internal/suggestion.h"
#include "worker/sql/internal/time_field.h"

namespace streamml::sql::internal {
namespace {

using data::Type;

enum class Signature : uint8_t {
  kDoubles,    // double, ... -> double
  kNumber,     // bigint -> bigint or double -> double
  kBigints,    // bigint, bigint -> bigint
  kText,       // text -> text
  kLength,     // text -> bigint
  kSubstring,  // text, bigint [, bigint] -> text
};

struct Entry {
  std::string_view name;
  Function function;
  Signature signature;
  size_t least;
  size_t most;
  std::string_view too_many;  // advice when there are more arguments
};
constexpr std::array kFunctions = std::to_array<Entry>({
    {"abs", Function::kAbs, Signature::kNumber, 1, 1, ""},
    {"sign", Function::kSign, Signature::kDoubles, 1, 1, ""},
    {"ln", Function::kLn, Signature::kDoubles, 1, 1, ""},
    {"log", Function::kLog10, Signature::kDoubles, 1, 1, "; write ln(x) / ln(base)"},
    {"log10", Function::kLog10, Signature::kDoubles, 1, 1, ""},
    {"exp", Function::kExp, Signature::kDoubles, 1, 1, ""},
    {"sqrt", Function::kSqrt, Signature::kDoubles, 1, 1, ""},
    {"power", Function::kPower, Signature::kDoubles, 2, 2, ""},
    {"pow", Function::kPower, Signature::kDoubles, 2, 2, ""},
    {"floor", Function::kFloor, Signature::kDoubles, 1, 1, ""},
    {"ceil", Function::kCeil, Signature::kDoubles, 1, 1, ""},
    {"ceiling", Function::kCeil, Signature::kDoubles, 1, 1, ""},
    {"round", Function::kRound, Signature::kDoubles, 1, 1,
     "; numeric is not built yet, write round(x * 100) / 100 for two digits"},
    {"mod", Function::kModulo, Signature::kBigints, 2, 2, ""},
    {"lower", Function::kLower, Signature::kText, 1, 1, ""},
    {"upper", Function::kUpper, Signature::kText, 1, 1, ""},
    {"length", Function::kLength, Signature::kLength, 1, 1, ""},
    {"char_length", Function::kLength, Signature::kLength, 1, 1, ""},
    {"character_length", Function::kLength, Signature::kLength, 1, 1, ""},
    {"substring", Function::kSubstring, Signature::kSubstring, 2, 3, ""},
    {"substr", Function::kSubstring, Signature::kSubstring, 2, 3, ""},
});
constexpr std::array<std::string_view, 3> kTimeFunctions = {"extract", "date_part", "date_trunc"};
constexpr std::array<std::string_view, 5> kAggregates = {"count", "sum", "avg", "min", "max"};

const Entry* FindEntry(std::string_view name) {
  for (const Entry& entry : kFunctions) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

absl::Status UnknownFunction(std::string_view name, int position) {
  const Refusal* refusal = FindRefusal(Subject::kFunction, name);
  if (refusal != nullptr) return Refuse(*refusal, position);
  const std::string suggestion = DidYouMean(name, FunctionNames());
  return ErrorAt(position, "unknown function ", QuoteName(name),
                 suggestion.empty()
                     ? absl::StrCat("; functions are ", absl::StrJoin(FunctionNames(), ", "))
                     : suggestion);
}

absl::Status CheckCount(const Entry& entry, size_t count, int position) {
  if (count >= entry.least && count <= entry.most) return absl::OkStatus();
  const std::string allowed = entry.least == entry.most
                                  ? absl::StrCat(entry.least)
                                  : absl::StrCat(entry.least, " or ", entry.most);
  return ErrorAt(position, entry.name, " takes ", allowed,
                 allowed == "1" ? " argument" : " arguments", ", not ", count,
                 count > entry.most ? entry.too_many : "");
}

Type ArgumentType(const Entry& entry, const Typed& argument, size_t index) {
  switch (entry.signature) {
    case Signature::kDoubles:
      return Type::kDouble;
    case Signature::kNumber:
      return argument.IsValue(Type::kBigint) ? Type::kBigint : Type::kDouble;
    case Signature::kBigints:
      return Type::kBigint;
    case Signature::kText:
    case Signature::kLength:
      return Type::kText;
    case Signature::kSubstring:
      return index == 0 ? Type::kText : Type::kBigint;
  }
  return Type::kText;
}

Type ResultType(const Entry& entry, const std::vector<Expression>& arguments) {
  switch (entry.signature) {
    case Signature::kDoubles:
      return Type::kDouble;
    case Signature::kNumber:
      return arguments[0].type;
    case Signature::kBigints:
    case Signature::kLength:
      return Type::kBigint;
    case Signature::kText:
    case Signature::kSubstring:
      return Type::kText;
  }
  return Type::kText;
}

absl::Status CheckArguments(const Entry& entry, const std::vector<Typed>& arguments) {
  const bool integers = entry.signature == Signature::kBigints;
  for (const Typed& argument : arguments) {
    if (!integers || !argument.IsValue(Type::kDouble)) continue;
    return ErrorAt(argument.position(), entry.name, " takes bigint, not double precision; ",
                   "write x - y * floor(x / y), or cast to bigint");
  }
  if (entry.signature != Signature::kSubstring) return absl::OkStatus();
  const Typed& start = arguments[1];
  const bool is_pattern = start.form == Typed::Form::kLiteral &&
                          std::holds_alternative<std::string>(start.expression.constant);
  if (!is_pattern && !start.IsValue(Type::kText)) return absl::OkStatus();
  return ErrorAt(start.position(), entry.name, " with a pattern is not supported: ",
                 "write substring(x, first, count), with positions counted from 1");
}

}  // namespace

absl::StatusOr<Typed> CallFunction(std::string_view name, std::vector<Typed> arguments,
                                   int position) {
  const Entry* entry = FindEntry(name);
  if (entry == nullptr) return UnknownFunction(name, position);
  RETURN_IF_ERROR(CheckCount(*entry, arguments.size(), position));
  RETURN_IF_ERROR(CheckArguments(*entry, arguments));
  std::vector<Expression> settled;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Type type = ArgumentType(*entry, arguments[i], i);
    const std::string place = absl::StrCat("argument ", i + 1, " of ", name);
    ASSIGN_OR_RETURN(Expression argument, Settle(std::move(arguments[i]), type, place));
    settled.push_back(std::move(argument));
  }
  const Type type = ResultType(*entry, settled);
  return MakeValue(MakeCall(entry->function, type, std::move(settled), position));
}

bool IsAggregate(std::string_view name) {
  return std::find(kAggregates.begin(), kAggregates.end(), name) != kAggregates.end();
}

bool IsTimeFunction(std::string_view name) {
  return std::find(kTimeFunctions.begin(), kTimeFunctions.end(), name) != kTimeFunctions.end();
}

std::vector<std::string> FunctionNames() {
  std::vector<std::string> names;
  names.reserve(std::size(kFunctions) + std::size(kTimeFunctions) + std::size(kAggregates));
  for (const Entry& entry : kFunctions) names.emplace_back(entry.name);
  for (const std::string_view name : kTimeFunctions) names.emplace_back(name);
  for (const std::string_view name : kAggregates) names.emplace_back(name);
  return names;
}

}  // namespace streamml::sql::internal
