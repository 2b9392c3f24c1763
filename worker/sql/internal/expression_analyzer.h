// Parse tree of a scalar expression -> typed expression.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/sql/internal/scope.h"
#include "worker/sql/internal/tree.h"
#include "worker/sql/internal/typing.h"

namespace streamml::sql::internal {

// Takes the aggregates with OVER that an expression holds.
class AggregateSink {
 public:
  virtual ~AggregateSink() = default;
  // `call` is the FuncCall's body. Returns what stands in its place: a column.
  virtual absl::StatusOr<Expression> AddAggregate(const Tree& call, std::string_view name,
                                                  int position) = 0;
};

// What one query may spend on copies: x BETWEEN a AND b writes x twice, and a short text could nest
// that to any size.
struct CopyBudget {
  size_t nodes = 50'000;
};

// Where expressions stand. All referenced objects outlive the analyzer.
struct Surroundings {
  const Scope& scope;
  CopyBudget& budget;
  std::string_view place;               // "WHERE": where aggregates are not allowed, for messages
  AggregateSink* aggregates = nullptr;  // null: they are refused
};

// Not thread-safe; one per expression or clause.
class ExpressionAnalyzer {
 public:
  explicit ExpressionAnalyzer(const Surroundings& surroundings) : surroundings_(surroundings) {}

  absl::StatusOr<Typed> Analyze(const Tree& node);

 private:
  using Handler = absl::StatusOr<Typed> (ExpressionAnalyzer::*)(const Tree& body, int position);
  struct Dispatch {
    std::string_view key;
    Handler handler;
  };
  static const std::vector<Dispatch>& Nodes();
  static const std::vector<Dispatch>& ExpressionKinds();

  absl::StatusOr<Typed> Column(const Tree& body, int position);
  absl::StatusOr<Typed> Constant(const Tree& body, int position);
  absl::StatusOr<Typed> Logic(const Tree& body, int position);
  absl::StatusOr<Typed> NullTest(const Tree& body, int position);
  absl::StatusOr<Typed> BooleanTest(const Tree& body, int position);
  absl::StatusOr<Typed> Case(const Tree& body, int position);
  absl::StatusOr<Typed> Coalesce(const Tree& body, int position);
  absl::StatusOr<Typed> MinMax(const Tree& body, int position);
  absl::StatusOr<Typed> Cast(const Tree& body, int position);
  absl::StatusOr<Typed> Call(const Tree& body, int position);
  absl::StatusOr<Typed> OperatorExpression(const Tree& body, int position);
  // Kinds of A_Expr.
  absl::StatusOr<Typed> Operator(const Tree& body, int position);
  absl::StatusOr<Typed> Distinct(const Tree& body, int position);
  absl::StatusOr<Typed> NullIf(const Tree& body, int position);
  absl::StatusOr<Typed> In(const Tree& body, int position);
  absl::StatusOr<Typed> Like(const Tree& body, int position);
  absl::StatusOr<Typed> Between(const Tree& body, int position);

  absl::StatusOr<Typed> CaseSubject(const Tree& node);
  // `subject` is null in CASE WHEN condition.
  absl::StatusOr<Expression> CaseCondition(const Tree& node, const Typed* subject);
  absl::StatusOr<Typed> AggregateCall(const Tree& body, std::string_view name, int position);
  absl::StatusOr<Typed> TimeFunction(const Tree& body, std::string_view name, int position);
  absl::StatusOr<std::vector<Typed>> AnalyzeList(const Tree& list);
  absl::StatusOr<Expression> Boolean(const Tree& node, std::string_view place);
  absl::StatusOr<Typed> Variadic(Function function, const Tree& list, std::string_view name,
                                 int position);
  absl::StatusOr<Typed> Copy(const Typed& value);

  const Surroundings surroundings_;
  int depth_ = 0;
};

}  // namespace streamml::sql::internal
