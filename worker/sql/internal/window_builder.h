// Gathers the aggregates of a query and turns them into window nodes, with a projection beneath
// where a key or an argument is not a plain column.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/sql/internal/expression_analyzer.h"
#include "worker/sql/internal/window_definition.h"
#include "worker/sql/plan.h"

namespace streamml::sql::internal {

// Use: read the WINDOW clause into `windows`, analyze the target list with this as sink, Build() on
// the plan beneath, Place() on every target. Equal windows share a node, equal aggregates a column.
// All referenced objects outlive the builder.
class WindowBuilder : public AggregateSink {
 public:
  WindowBuilder(const Scope& scope, const WindowCatalog& windows, CopyBudget& budget)
      : scope_(scope), windows_(windows), budget_(budget) {}

  // The column returned is a placeholder until Place().
  absl::StatusOr<Expression> AddAggregate(const Tree& call, std::string_view name,
                                          int position) override;

  // The plan with its window nodes on top of `input`, whose schema is the scope's.
  std::unique_ptr<Node> Build(std::unique_ptr<Node> input);
  // Points the placeholders in `expression` to their columns. After Build().
  void Place(Expression& expression) const;

 private:
  struct PlannedWindow {
    std::string key;                // partition texts and frame
    std::vector<size_t> partition;  // columns: of the scope, or scope size + index of computed_
    int64_t preceding_us = 0;
    std::vector<size_t> placeholders;  // of aggregates_
  };
  struct PlannedAggregate {
    std::string key;
    Aggregate aggregate;
    size_t column = 0;  // in the output of Build()
  };

  absl::Status CheckArgument(AggregateFunction function, std::string_view name,
                             const Expression& argument) const;
  absl::StatusOr<size_t> FindWindow(const Tree& call, int position);
  size_t ColumnOf(Expression expression);
  std::string UniqueName(const std::string& wanted);
  std::unique_ptr<Node> Precompute(std::unique_ptr<Node> input);

  const Scope& scope_;
  const WindowCatalog& windows_;
  CopyBudget& budget_;
  std::vector<Expression> computed_;
  std::vector<std::string> computed_texts_;
  std::vector<PlannedWindow> planned_;
  std::vector<PlannedAggregate> aggregates_;
  std::vector<std::string> names_;  // given to computed and window columns
};

}  // namespace streamml::sql::internal
