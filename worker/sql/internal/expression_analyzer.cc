#include "worker/sql/internal/expression_analyzer.h"

#include <array>
#include <optional>

#include "base/status.h"
#include "worker/sql/internal/error.h"
#include "worker/sql/internal/functions.h"
#include "worker/sql/internal/number_literal.h"
#include "worker/sql/internal/operators.h"
#include "worker/sql/internal/refusal.h"
#include "worker/sql/internal/time_field.h"
#include "worker/sql/internal/type_names.h"

namespace streamml::sql::internal {
namespace {

using data::Type;

constexpr int kMaxDepth = 200;

size_t CountNodes(const Expression& expression) {
  size_t count = 1;
  for (const Expression& argument : expression.arguments) count += CountNodes(argument);
  return count;
}

std::vector<Expression> List(Expression first) {
  std::vector<Expression> list;
  list.push_back(std::move(first));
  return list;
}

std::vector<Expression> List(Expression first, Expression second) {
  std::vector<Expression> list = List(std::move(first));
  list.push_back(std::move(second));
  return list;
}

Typed BooleanCall(Function function, std::vector<Expression> arguments, int position) {
  return MakeValue(MakeCall(function, Type::kBoolean, std::move(arguments), position));
}

}  // namespace

const std::vector<ExpressionAnalyzer::Dispatch>& ExpressionAnalyzer::Nodes() {
  static const auto* const table = new std::vector<Dispatch>{
      {"ColumnRef", &ExpressionAnalyzer::Column},
      {"A_Const", &ExpressionAnalyzer::Constant},
      {"A_Expr", &ExpressionAnalyzer::OperatorExpression},
      {"BoolExpr", &ExpressionAnalyzer::Logic},
      {"NullTest", &ExpressionAnalyzer::NullTest},
      {"BooleanTest", &ExpressionAnalyzer::BooleanTest},
      {"CaseExpr", &ExpressionAnalyzer::Case},
      {"CoalesceExpr", &ExpressionAnalyzer::Coalesce},
      {"MinMaxExpr", &ExpressionAnalyzer::MinMax},
      {"TypeCast", &ExpressionAnalyzer::Cast},
      {"FuncCall", &ExpressionAnalyzer::Call},
  };
  return *table;
}

const std::vector<ExpressionAnalyzer::Dispatch>& ExpressionAnalyzer::ExpressionKinds() {
  static const auto* const table = new std::vector<Dispatch>{
      {"AEXPR_OP", &ExpressionAnalyzer::Operator},
      {"AEXPR_DISTINCT", &ExpressionAnalyzer::Distinct},
      {"AEXPR_NOT_DISTINCT", &ExpressionAnalyzer::Distinct},
      {"AEXPR_NULLIF", &ExpressionAnalyzer::NullIf},
      {"AEXPR_IN", &ExpressionAnalyzer::In},
      {"AEXPR_LIKE", &ExpressionAnalyzer::Like},
      {"AEXPR_BETWEEN", &ExpressionAnalyzer::Between},
      {"AEXPR_NOT_BETWEEN", &ExpressionAnalyzer::Between},
  };
  return *table;
}

absl::StatusOr<Typed> ExpressionAnalyzer::Analyze(const Tree& node) {
  const int position = node.Position();
  if (depth_ >= kMaxDepth) {
    return ErrorAt(position, "the expression is nested more than ", kMaxDepth, " levels deep");
  }
  for (const Dispatch& entry : Nodes()) {
    if (entry.key != node.tag()) continue;
    ++depth_;
    absl::StatusOr<Typed> result = (this->*entry.handler)(node.body(), position);
    --depth_;
    return result;
  }
  const Refusal* refusal = FindRefusal(Subject::kNode, node.tag());
  if (refusal != nullptr) return Refuse(*refusal, position);
  return ErrorAt(position, "an expression of kind ", node.tag(), " is not supported");
}

absl::StatusOr<std::vector<Typed>> ExpressionAnalyzer::AnalyzeList(const Tree& list) {
  std::vector<Typed> values;
  for (const Tree& node : list.items()) {
    ASSIGN_OR_RETURN(Typed value, Analyze(node));
    values.push_back(std::move(value));
  }
  return values;
}

absl::StatusOr<Expression> ExpressionAnalyzer::Boolean(const Tree& node, std::string_view place) {
  ASSIGN_OR_RETURN(Typed value, Analyze(node));
  return Settle(std::move(value), Type::kBoolean, place);
}

absl::StatusOr<Typed> ExpressionAnalyzer::Copy(const Typed& value) {
  const size_t nodes = CountNodes(value.expression);
  if (nodes > surroundings_.budget.nodes) {
    return ErrorAt(value.position(),
                   "the expression is too large; compute its parts in a view beneath");
  }
  surroundings_.budget.nodes -= nodes;
  return value;
}

absl::StatusOr<Typed> ExpressionAnalyzer::Column(const Tree& body, int position) {
  const ColumnName name = ReadColumnName(body);
  RETURN_IF_ERROR(surroundings_.scope.CheckQualifier(name.qualifier, position));
  if (name.is_star) return ErrorAt(position, "* stands for columns only in the list after SELECT");
  ASSIGN_OR_RETURN(Expression column, surroundings_.scope.Resolve(name.column, position));
  return MakeValue(std::move(column));
}

absl::StatusOr<Typed> ExpressionAnalyzer::Constant(const Tree& body, int position) {
  if (body["isnull"].number() != 0) return MakeLiteral(std::monostate(), position);
  if (body["sval"].present()) return MakeLiteral(body["sval"]["sval"].text(), position);
  if (body["ival"].present()) {
    return MakeValue(MakeConstant(body["ival"]["ival"].number(), Type::kBigint, position));
  }
  if (body["boolval"].present()) {
    return MakeValue(
        MakeConstant(body["boolval"]["boolval"].number() != 0, Type::kBoolean, position));
  }
  if (body["fval"].present()) return ReadNumber(body["fval"]["fval"].text(), position);
  return ErrorAt(position, "bit strings are not supported: write a bigint");
}

absl::StatusOr<Typed> ExpressionAnalyzer::Logic(const Tree& body, int position) {
  const std::string& name = body["boolop"].text();
  const bool is_not = name == "NOT_EXPR";
  const bool is_and = name == "AND_EXPR";
  const std::string_view place = is_not   ? "argument of NOT"
                                 : is_and ? "argument of AND"
                                          : "argument of OR";
  std::vector<Expression> arguments;
  for (const Tree& node : body["args"].items()) {
    ASSIGN_OR_RETURN(Expression argument, Boolean(node, place));
    arguments.push_back(std::move(argument));
  }
  const Function function = is_not ? Function::kNot : is_and ? Function::kAnd : Function::kOr;
  return BooleanCall(function, std::move(arguments), position);
}

absl::StatusOr<Typed> ExpressionAnalyzer::NullTest(const Tree& body, int position) {
  ASSIGN_OR_RETURN(Typed value, Analyze(body["arg"]));
  ASSIGN_OR_RETURN(Expression argument, SettleAny(std::move(value), "argument of IS NULL"));
  const bool negated = body["nulltesttype"].text() == "IS_NOT_NULL";
  return BooleanCall(negated ? Function::kIsNotNull : Function::kIsNull, List(std::move(argument)),
                     position);
}

absl::StatusOr<Typed> ExpressionAnalyzer::BooleanTest(const Tree& body, int position) {
  struct Test {
    std::string_view name;
    Function function;
  };
  constexpr std::array kTests = std::to_array<Test>({
      {"IS_TRUE", Function::kIsTrue},
      {"IS_NOT_TRUE", Function::kIsNotTrue},
      {"IS_FALSE", Function::kIsFalse},
      {"IS_NOT_FALSE", Function::kIsNotFalse},
      {"IS_UNKNOWN", Function::kIsNull},
      {"IS_NOT_UNKNOWN", Function::kIsNotNull},
  });
  ASSIGN_OR_RETURN(Expression argument,
                   Boolean(body["arg"], "argument of IS TRUE, FALSE or UNKNOWN"));
  for (const Test& test : kTests) {
    if (test.name == body["booltesttype"].text()) {
      return BooleanCall(test.function, List(std::move(argument)), position);
    }
  }
  return ErrorAt(position, "the test ", body["booltesttype"].text(), " is not supported");
}

absl::StatusOr<Expression> ExpressionAnalyzer::CaseCondition(const Tree& node,
                                                             const Typed* subject) {
  if (subject == nullptr) return Boolean(node, "argument of CASE WHEN");
  ASSIGN_OR_RETURN(Typed value, Analyze(node));
  ASSIGN_OR_RETURN(Typed copy, Copy(*subject));
  const int position = value.position();
  return Compare(Function::kEqual, "=", std::move(copy), std::move(value), position);
}

// What stands between CASE and WHEN. A literal there is text, as in PostgreSQL.
absl::StatusOr<Typed> ExpressionAnalyzer::CaseSubject(const Tree& node) {
  ASSIGN_OR_RETURN(Typed subject, Analyze(node));
  if (subject.form != Typed::Form::kLiteral) return subject;
  ASSIGN_OR_RETURN(Expression text, SettleAny(std::move(subject), "CASE"));
  return MakeValue(std::move(text));
}

absl::StatusOr<Typed> ExpressionAnalyzer::Case(const Tree& body, int position) {
  const bool has_subject = body["arg"].present();
  Typed subject;
  if (has_subject) {
    ASSIGN_OR_RETURN(subject, CaseSubject(body["arg"]));
  }
  std::vector<Expression> conditions;
  std::vector<Typed> results;
  for (const Tree& item : body["args"].items()) {
    const Tree& when = item["CaseWhen"];
    ASSIGN_OR_RETURN(Expression condition,
                     CaseCondition(when["expr"], has_subject ? &subject : nullptr));
    conditions.push_back(std::move(condition));
    ASSIGN_OR_RETURN(Typed result, Analyze(when["result"]));
    results.push_back(std::move(result));
  }
  results.push_back(MakeLiteral(std::monostate(), position));
  if (body["defresult"].present()) {
    ASSIGN_OR_RETURN(results.back(), Analyze(body["defresult"]));
  }
  ASSIGN_OR_RETURN(std::vector<Expression> settled, SettleAll(std::move(results), "CASE"));
  Expression expression;
  expression.kind = Expression::Kind::kCase;
  expression.type = settled[0].type;
  expression.position = position;
  for (size_t i = 0; i < conditions.size(); ++i) {
    expression.arguments.push_back(std::move(conditions[i]));
    expression.arguments.push_back(std::move(settled[i]));
  }
  expression.arguments.push_back(std::move(settled.back()));
  return MakeValue(std::move(expression));
}

absl::StatusOr<Typed> ExpressionAnalyzer::Variadic(Function function, const Tree& list,
                                                   std::string_view name, int position) {
  ASSIGN_OR_RETURN(std::vector<Typed> values, AnalyzeList(list));
  ASSIGN_OR_RETURN(std::vector<Expression> settled, SettleAll(std::move(values), name));
  const Type type = settled[0].type;
  return MakeValue(MakeCall(function, type, std::move(settled), position));
}

absl::StatusOr<Typed> ExpressionAnalyzer::Coalesce(const Tree& body, int position) {
  return Variadic(Function::kCoalesce, body["args"], "COALESCE", position);
}

absl::StatusOr<Typed> ExpressionAnalyzer::MinMax(const Tree& body, int position) {
  if (body["op"].text() == "IS_GREATEST") {
    return Variadic(Function::kGreatest, body["args"], "GREATEST", position);
  }
  return Variadic(Function::kLeast, body["args"], "LEAST", position);
}

absl::StatusOr<Typed> ExpressionAnalyzer::Cast(const Tree& body, int position) {
  ASSIGN_OR_RETURN(const CastTarget target, ReadTypeName(body["typeName"], position));
  ASSIGN_OR_RETURN(Typed value, Analyze(body["arg"]));
  if (target.is_interval) return ReadInterval(value, position);
  ASSIGN_OR_RETURN(Expression cast, CastTo(std::move(value), target.type, position));
  return MakeValue(std::move(cast));
}

absl::StatusOr<Typed> ExpressionAnalyzer::Call(const Tree& body, int position) {
  const std::vector<Tree>& names = body["funcname"].items();
  const std::string_view name = LastName(body["funcname"]);
  if (names.size() > 1 && names[0]["String"]["sval"].text() != "pg_catalog") {
    return ErrorAt(position, "functions have no schema here; write ", name, "(...)");
  }
  for (const std::string_view option :
       {"agg_distinct", "agg_within_group", "agg_order", "agg_filter", "func_variadic"}) {
    if (body[option].present()) return Refuse(*FindRefusal(Subject::kOption, option), position);
  }
  if (IsAggregate(name)) return AggregateCall(body, name, position);
  if (const Refusal* refusal = FindRefusal(Subject::kFunction, name)) {
    return Refuse(*refusal, position);
  }
  if (body["over"].present()) {
    return ErrorAt(position, name, " is not an aggregate; count, sum, avg, min and max take OVER");
  }
  if (body["agg_star"].present()) return ErrorAt(position, "only count takes *, not ", name);
  if (IsTimeFunction(name)) return TimeFunction(body, name, position);
  ASSIGN_OR_RETURN(std::vector<Typed> arguments, AnalyzeList(body["args"]));
  return CallFunction(name, std::move(arguments), position);
}

absl::StatusOr<Typed> ExpressionAnalyzer::AggregateCall(const Tree& body, std::string_view name,
                                                        int position) {
  if (!body["over"].present()) {
    return ErrorAt(position, "aggregate ", name,
                   " without OVER is not supported: ", "GROUP BY is not built yet, write ", name,
                   "(...) OVER (PARTITION BY .. ",
                   "ORDER BY <event time> RANGE INTERVAL '1 hour' PRECEDING)");
  }
  if (surroundings_.aggregates == nullptr) {
    return ErrorAt(position, "aggregates with OVER are not allowed in ", surroundings_.place,
                   "; compute ", name, " in a view beneath this one");
  }
  ASSIGN_OR_RETURN(Expression column, surroundings_.aggregates->AddAggregate(body, name, position));
  return MakeValue(std::move(column));
}

absl::StatusOr<Typed> ExpressionAnalyzer::TimeFunction(const Tree& body, std::string_view name,
                                                       int position) {
  const std::vector<Tree>& nodes = body["args"].items();
  if (nodes.size() != 2) {
    return ErrorAt(position, name, " takes a field and a timestamp; time zones are not supported");
  }
  ASSIGN_OR_RETURN(const TimeField field, ReadTimeField(nodes[0], name));
  ASSIGN_OR_RETURN(Typed value, Analyze(nodes[1]));
  const std::string place = absl::StrCat("argument of ", name);
  ASSIGN_OR_RETURN(Expression timestamp, Settle(std::move(value), Type::kTimestamp, place));
  const bool truncate = name == "date_trunc";
  Expression call =
      MakeCall(truncate ? Function::kDateTrunc : Function::kExtract,
               truncate ? Type::kTimestamp : Type::kDouble, List(std::move(timestamp)), position);
  call.field = field;
  return MakeValue(std::move(call));
}

absl::StatusOr<Typed> ExpressionAnalyzer::OperatorExpression(const Tree& body, int position) {
  const std::string& kind = body["kind"].text();
  for (const Dispatch& entry : ExpressionKinds()) {
    if (entry.key == kind) return (this->*entry.handler)(body, position);
  }
  const Refusal* refusal = FindRefusal(Subject::kExpression, kind);
  if (refusal != nullptr) return Refuse(*refusal, position);
  return ErrorAt(position, "an expression of kind ", kind, " is not supported");
}

absl::StatusOr<Typed> ExpressionAnalyzer::Operator(const Tree& body, int position) {
  const std::string_view name = LastName(body["name"]);
  if (!body["lexpr"].present()) {
    ASSIGN_OR_RETURN(Typed operand, Analyze(body["rexpr"]));
    return ApplyUnary(name, std::move(operand), position);
  }
  ASSIGN_OR_RETURN(Typed left, Analyze(body["lexpr"]));
  ASSIGN_OR_RETURN(Typed right, Analyze(body["rexpr"]));
  return ApplyBinary(name, std::move(left), std::move(right), position);
}

absl::StatusOr<Typed> ExpressionAnalyzer::Distinct(const Tree& body, int position) {
  ASSIGN_OR_RETURN(Typed left, Analyze(body["lexpr"]));
  ASSIGN_OR_RETURN(Typed right, Analyze(body["rexpr"]));
  const bool distinct = body["kind"].text() == "AEXPR_DISTINCT";
  ASSIGN_OR_RETURN(Expression compared,
                   Compare(distinct ? Function::kDistinct : Function::kNotDistinct,
                           "IS DISTINCT FROM", std::move(left), std::move(right), position));
  return MakeValue(std::move(compared));
}

absl::StatusOr<Typed> ExpressionAnalyzer::NullIf(const Tree& body, int position) {
  ASSIGN_OR_RETURN(Typed left, Analyze(body["lexpr"]));
  ASSIGN_OR_RETURN(Typed right, Analyze(body["rexpr"]));
  ASSIGN_OR_RETURN(Expression result,
                   Compare(Function::kNullIf, "=", std::move(left), std::move(right), position));
  return MakeValue(std::move(result));
}

absl::StatusOr<Typed> ExpressionAnalyzer::In(const Tree& body, int position) {
  ASSIGN_OR_RETURN(Typed subject, Analyze(body["lexpr"]));
  ASSIGN_OR_RETURN(std::vector<Typed> values, AnalyzeList(body["rexpr"]["List"]["items"]));
  values.insert(values.begin(), std::move(subject));
  ASSIGN_OR_RETURN(std::vector<Expression> settled, SettleAll(std::move(values), "IN"));
  Typed result = BooleanCall(Function::kIn, std::move(settled), position);
  if (LastName(body["name"]) == "=") return result;
  return BooleanCall(Function::kNot, List(std::move(result.expression)), position);
}

absl::StatusOr<Typed> ExpressionAnalyzer::Like(const Tree& body, int position) {
  ASSIGN_OR_RETURN(Typed left, Analyze(body["lexpr"]));
  ASSIGN_OR_RETURN(Typed right, Analyze(body["rexpr"]));
  ASSIGN_OR_RETURN(Expression text, Settle(std::move(left), Type::kText, "left side of LIKE"));
  ASSIGN_OR_RETURN(Expression pattern, Settle(std::move(right), Type::kText, "pattern of LIKE"));
  const bool negated = LastName(body["name"]) == "!~~";
  return BooleanCall(negated ? Function::kNotLike : Function::kLike,
                     List(std::move(text), std::move(pattern)), position);
}

absl::StatusOr<Typed> ExpressionAnalyzer::Between(const Tree& body, int position) {
  const bool negated = body["kind"].text() == "AEXPR_NOT_BETWEEN";
  ASSIGN_OR_RETURN(Typed value, Analyze(body["lexpr"]));
  ASSIGN_OR_RETURN(std::vector<Typed> bounds, AnalyzeList(body["rexpr"]["List"]["items"]));
  if (bounds.size() != 2) return ErrorAt(position, "BETWEEN takes two bounds");
  ASSIGN_OR_RETURN(Typed copy, Copy(value));
  const Function lower_function = negated ? Function::kLess : Function::kGreaterOrEqual;
  const Function upper_function = negated ? Function::kGreater : Function::kLessOrEqual;
  ASSIGN_OR_RETURN(Expression lower, Compare(lower_function, negated ? "<" : ">=", std::move(value),
                                             std::move(bounds[0]), position));
  ASSIGN_OR_RETURN(Expression upper, Compare(upper_function, negated ? ">" : "<=", std::move(copy),
                                             std::move(bounds[1]), position));
  return BooleanCall(negated ? Function::kOr : Function::kAnd,
                     List(std::move(lower), std::move(upper)), position);
}

}  // namespace streamml::sql::internal
