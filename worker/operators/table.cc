// Every kind of plan node that has an operator, one line each; kScan is what a lane reads.
#include "worker/operators/arrival_window.h"
#include "worker/operators/filter.h"
#include "worker/operators/operator.h"
#include "worker/operators/project.h"
#include "worker/operators/window.h"

namespace streamml::operators {

const std::vector<OperatorEntry>& OperatorTable() {
  // Leaked, so that no order of destruction matters.
  static const auto& table = *new std::vector<OperatorEntry>{
      {sql::Node::Kind::kFilter, "filter", false, MakeFilter},
      {sql::Node::Kind::kProject, "project", false, MakeProject},
      {sql::Node::Kind::kWindow, "window", true, MakeWindow},
      {sql::Node::Kind::kArrivalWindow, "arrivalWindow", false, MakeArrivalWindow},
  };
  return table;
}

const OperatorEntry* FindOperator(sql::Node::Kind kind) {
  for (const OperatorEntry& entry : OperatorTable()) {
    if (entry.kind == kind) return &entry;
  }
  return nullptr;
}

}  // namespace streamml::operators
