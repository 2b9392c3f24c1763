#include "worker/sql/internal/select.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_join.h"
#include "base/status.h"
#include "base/wording.h"
#include "worker/sql/internal/error.h"
#include "worker/sql/internal/expression_analyzer.h"
#include "worker/sql/internal/output_name.h"
#include "worker/sql/internal/refusal.h"
#include "worker/sql/internal/suggestion.h"
#include "worker/sql/internal/window_builder.h"

namespace streamml::sql::internal {
namespace {

constexpr int kMaxSubqueries = 32;
constexpr size_t kMaxListed = 12;

// A column of the result.
struct Target {
  std::string name;
  Expression expression;
};

// What FROM gives.
struct Source {
  std::unique_ptr<Node> plan;
  Scope scope;
};

class SelectAnalyzer {
 public:
  explicit SelectAnalyzer(const Catalog& catalog) : catalog_(catalog) {}

  absl::StatusOr<std::unique_ptr<Node>> Analyze(const Tree& select, int position);

 private:
  absl::Status CheckClauses(const Tree& select, int position) const;
  absl::StatusOr<Source> From(const Tree& select, int position);
  absl::StatusOr<Source> Relation(const Tree& range) const;
  absl::Status UnknownRelation(const std::string& name, int position) const;
  absl::StatusOr<Source> Subquery(const Tree& range, int position);
  absl::Status AddFilter(const Tree& where, Source& source);
  absl::StatusOr<std::vector<Target>> Targets(const Tree& list, const Scope& scope,
                                              AggregateSink& aggregates);
  absl::Status AddStar(const Tree& column_ref, int position, const Scope& scope,
                       std::vector<Target>& targets) const;

  const Catalog& catalog_;
  CopyBudget budget_;
  int depth_ = 0;
};

absl::Status RefuseClause(std::string_view key, const Tree& clause, int position) {
  return Refuse(*FindRefusal(Subject::kClause, key), clause.Position(position));
}

absl::Status SelectAnalyzer::CheckClauses(const Tree& select, int position) const {
  constexpr std::array<std::string_view, 10> kClauses = {
      "withClause",   "valuesLists", "intoClause", "distinctClause", "groupClause",
      "havingClause", "sortClause",  "limitCount", "limitOffset",    "lockingClause"};
  const std::string& set_operation = select["op"].text();
  if (const Refusal* refusal = FindRefusal(Subject::kClause, set_operation)) {
    return Refuse(*refusal, select["rarg"].Position(position));
  }
  for (const std::string_view clause : kClauses) {
    if (select[clause].present()) return RefuseClause(clause, select[clause], position);
  }
  return absl::OkStatus();
}

absl::Status SelectAnalyzer::UnknownRelation(const std::string& name, int position) const {
  std::vector<std::string> names;
  std::vector<std::string> quoted;
  for (const auto& [known, schema] : catalog_) {
    names.push_back(known);
    if (quoted.size() < kMaxListed) quoted.push_back(QuotePath(known));
  }
  const std::string* nearest = Nearest(name, names);
  if (nearest != nullptr) {
    return WithUnknownRelation(ErrorAt(position, "unknown relation ", QuotePath(name),
                                       "; did you mean ", QuotePath(*nearest), "?"),
                               name);
  }
  return WithUnknownRelation(
      ErrorAt(position, "unknown relation ", QuotePath(name), "; relations are ",
              absl::StrJoin(quoted, ", "), names.size() > quoted.size() ? ", ..." : ""),
      name);
}

absl::StatusOr<Source> SelectAnalyzer::Relation(const Tree& range) const {
  const int position = range.Position();
  const std::string& schema = range["schemaname"].text();
  const std::string& relation = range["relname"].text();
  if (range["catalogname"].present())
    return ErrorAt(position, "a relation has at most two names: payments.dead");
  if (!range["inh"].present()) return ErrorAt(position, "ONLY is not supported: leave it out");
  const std::string name = schema.empty() ? relation : absl::StrCat(schema, ".", relation);
  const auto found = catalog_.find(name);
  if (found == catalog_.end()) {
    return UnknownRelation(name, position);
  }
  Source source;
  source.plan = std::make_unique<Node>();
  source.plan->schema = found->second;
  source.plan->relation = name;
  source.scope.schema = found->second;
  if (const std::string& alias = range["alias"]["aliasname"].text(); !alias.empty()) {
    source.scope.qualifiers = {{alias}};
    source.scope.hidden_name = relation;
  } else if (schema.empty()) {
    source.scope.qualifiers = {{relation}};
  } else {
    source.scope.qualifiers = {{relation}, {schema, relation}};
  }
  return source;
}

absl::StatusOr<Source> SelectAnalyzer::Subquery(const Tree& range, int position) {
  if (range["lateral"].present())
    return ErrorAt(range.Position(position), "LATERAL is not supported: leave it out");
  ASSIGN_OR_RETURN(std::unique_ptr<Node> plan,
                   Analyze(range["subquery"]["SelectStmt"], range["subquery"].Position(position)));
  Source source;
  source.scope.schema = plan->schema;
  if (const std::string& alias = range["alias"]["aliasname"].text(); !alias.empty()) {
    source.scope.qualifiers = {{alias}};
  }
  source.plan = std::move(plan);
  return source;
}

absl::StatusOr<Source> SelectAnalyzer::From(const Tree& select, int position) {
  const std::vector<Tree>& items = select["fromClause"].items();
  if (items.empty()) return ErrorAt(position, "FROM is missing: a query reads one relation");
  if (items.size() > 1)
    return Refuse(*FindRefusal(Subject::kFrom, "JoinExpr"), items[1].Position(position));
  const Tree& item = items[0];
  const int place = item.Position(position);
  if (const Refusal* refusal = FindRefusal(Subject::kFrom, item.tag()))
    return Refuse(*refusal, place);
  if (item.body()["alias"]["colnames"].present()) {
    return ErrorAt(place, "renaming columns in FROM is not supported: write SELECT a AS b");
  }
  if (item.tag() == "RangeVar") return Relation(item.body());
  if (item.tag() == "RangeSubselect") return Subquery(item.body(), place);
  return ErrorAt(place, item.tag(), " in FROM is not supported: name one relation");
}

absl::Status SelectAnalyzer::AddFilter(const Tree& where, Source& source) {
  if (!where.present()) return absl::OkStatus();
  ExpressionAnalyzer analyzer({source.scope, budget_, "WHERE"});
  ASSIGN_OR_RETURN(Typed typed, analyzer.Analyze(where));
  ASSIGN_OR_RETURN(Expression condition,
                   Settle(std::move(typed), data::Type::kBoolean, "argument of WHERE"));
  auto filter = std::make_unique<Node>();
  filter->kind = Node::Kind::kFilter;
  filter->schema = source.plan->schema;
  filter->expressions.push_back(std::move(condition));
  filter->input = std::move(source.plan);
  source.plan = std::move(filter);
  return absl::OkStatus();
}

absl::Status SelectAnalyzer::AddStar(const Tree& column_ref, int position, const Scope& scope,
                                     std::vector<Target>& targets) const {
  RETURN_IF_ERROR(scope.CheckQualifier(ReadColumnName(column_ref).qualifier, position));
  for (size_t i = 0; i < scope.schema.size(); ++i) {
    const data::Field& field = scope.schema.field(i);
    targets.push_back({field.name, MakeColumn(i, field.type, position)});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Target>> SelectAnalyzer::Targets(const Tree& list, const Scope& scope,
                                                            AggregateSink& aggregates) {
  std::vector<Target> targets;
  for (const Tree& item : list.items()) {
    const Tree& target = item["ResTarget"];
    const Tree& value = target["val"];
    const int position = target.Position();
    if (ReadColumnName(value["ColumnRef"]).is_star) {
      if (target["name"].present())
        return ErrorAt(position, "* takes no AS; name the columns one by one");
      RETURN_IF_ERROR(AddStar(value["ColumnRef"], position, scope, targets));
      continue;
    }
    ExpressionAnalyzer analyzer({scope, budget_, "SELECT", &aggregates});
    ASSIGN_OR_RETURN(Typed typed, analyzer.Analyze(value));
    ASSIGN_OR_RETURN(Expression expression, SettleAny(std::move(typed), "a column of SELECT"));
    std::string name = target["name"].present() ? target["name"].text() : OutputName(value);
    if (name.empty())
      return ErrorAt(position, "this column has no name; write AS and a name after it");
    targets.push_back({std::move(name), std::move(expression)});
    targets.back().expression.position = position;
  }
  return targets;
}

absl::Status CheckNames(const std::vector<Target>& targets) {
  std::vector<std::string_view> names;
  names.reserve(targets.size());
  for (const Target& target : targets) names.push_back(target.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return absl::OkStatus();
  int seen = 0;
  for (const Target& target : targets) {
    if (target.name == *twice && ++seen == 2) {
      return ErrorAt(target.expression.position, "two columns are called ", QuoteName(*twice),
                     "; give one of them another name with AS");
    }
  }
  return absl::OkStatus();
}

bool IsIdentity(const std::vector<Target>& targets, const data::Schema& schema) {
  if (targets.size() != schema.size()) return false;
  for (size_t i = 0; i < targets.size(); ++i) {
    const Expression& expression = targets[i].expression;
    const bool same = expression.kind == Expression::Kind::kColumn && expression.column == i;
    if (!same || targets[i].name != schema.field(i).name) return false;
  }
  return true;
}

// Event time survives where its column is passed on untouched.
int TimeColumn(const std::vector<Target>& targets, int input_time) {
  for (size_t i = 0; i < targets.size(); ++i) {
    const Expression& expression = targets[i].expression;
    const bool is_column =
        expression.kind == Expression::Kind::kColumn && input_time != data::Schema::kNoTime;
    if (is_column && expression.column == static_cast<size_t>(input_time))
      return static_cast<int>(i);
  }
  return data::Schema::kNoTime;
}

std::unique_ptr<Node> AddProjection(std::vector<Target> targets, std::unique_ptr<Node> input) {
  if (IsIdentity(targets, input->schema)) return input;
  auto project = std::make_unique<Node>();
  project->kind = Node::Kind::kProject;
  const int time = TimeColumn(targets, input->schema.time_column());
  std::vector<data::Field> fields;
  for (Target& target : targets) {
    fields.push_back({std::move(target.name), target.expression.type});
    project->expressions.push_back(std::move(target.expression));
  }
  project->schema = data::Schema(std::move(fields), time);
  project->input = std::move(input);
  return project;
}

absl::StatusOr<std::unique_ptr<Node>> SelectAnalyzer::Analyze(const Tree& select, int position) {
  if (++depth_ > kMaxSubqueries) {
    return ErrorAt(position, "subqueries are nested more than ", kMaxSubqueries, " levels deep");
  }
  RETURN_IF_ERROR(CheckClauses(select, position));
  ASSIGN_OR_RETURN(Source source, From(select, position));
  RETURN_IF_ERROR(AddFilter(select["whereClause"], source));
  if (select["targetList"].items().empty())
    return ErrorAt(position, "SELECT has no columns; write * for all");
  WindowCatalog windows;
  RETURN_IF_ERROR(windows.ReadClause(select["windowClause"]));
  WindowBuilder builder(source.scope, windows, budget_);
  ASSIGN_OR_RETURN(std::vector<Target> targets,
                   Targets(select["targetList"], source.scope, builder));
  RETURN_IF_ERROR(CheckNames(targets));
  std::unique_ptr<Node> plan = builder.Build(std::move(source.plan));
  for (Target& target : targets) builder.Place(target.expression);
  --depth_;
  return AddProjection(std::move(targets), std::move(plan));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Node>> AnalyzeStatement(const Tree& statement,
                                                       const Catalog& catalog) {
  if (statement.tag() == "SelectStmt") return SelectAnalyzer(catalog).Analyze(statement.body(), 0);
  const int position = statement.Position();
  const Refusal* refusal = FindRefusal(Subject::kStatement, statement.tag());
  if (refusal != nullptr) return Refuse(*refusal, position);
  return ErrorAt(position, "a statement of kind ", statement.tag(),
                 " is not supported: write one SELECT");
}

}  // namespace streamml::sql::internal
