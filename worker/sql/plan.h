// A checked relational plan: a tree of nodes over named relations. The analyzer makes it from SQL;
// the planner cuts it into stages and makes an operator of each node.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/data/schema.h"
#include "worker/sql/expression.h"

namespace streamml::sql {

enum class AggregateFunction : uint8_t { kCount, kSum, kAverage, kMinimum, kMaximum };

// One aggregate over a frame. kCount with argument -1 is count(*). NULL arguments are left out; an
// empty frame gives 0 for count, else NULL. Result types: count bigint; sum(bigint) bigint
// (overflow fails the row; PostgreSQL gives numeric), sum(double) double; avg double; min and max
// the argument's type.
struct Aggregate {
  AggregateFunction function = AggregateFunction::kCount;
  int argument = -1;  // column of the input
  data::Field output;
  friend bool operator==(const Aggregate&, const Aggregate&) = default;
};

struct Node {
  enum class Kind : uint8_t {
    kScan,     // the rows of relation `relation`
    kFilter,   // rows for which expressions[0] is true (not NULL)
    kProject,  // one column for each of `expressions`
    kWindow,   // OVER (PARTITION BY .. ORDER BY event time RANGE .. PRECEDING): input columns, then
               // one column for each of `aggregates`
    kArrivalWindow,  // the same over the rows that have come so far; an analysis gives kWindow, and
                     // who wants each row answered at once makes this of it
  };

  Kind kind = Kind::kScan;
  data::Schema schema;  // of the output; its time_column survives where the column is passed on
  std::unique_ptr<Node> input;  // null for kScan
  std::string relation;
  std::vector<Expression> expressions;
  std::vector<size_t> partition_columns;  // kWindow: columns of the input; empty: one partition
  int64_t preceding_us = 0;               // kWindow: frame is [t - preceding_us, t], peers included
  std::vector<Aggregate> aggregates;
};

// Makes every window of the tree one that answers each row as it comes.
void AnswerOnArrival(Node& node);

// The tree, one node a line, indented, for `explain`.
std::string ToString(const Node& node);

}  // namespace streamml::sql
