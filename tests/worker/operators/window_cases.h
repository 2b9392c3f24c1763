// Small windows over one input schema, for tests of the operators that answer them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/worker/operators/rows.h"
#include "worker/sql/plan.h"

namespace streamml::operators {

using Lines = std::vector<std::string>;
inline const sql::Value kNull;

// key text, n bigint, x double precision, word text.
std::shared_ptr<const data::Schema> WindowSchema();
sql::Aggregate MakeAggregate(sql::AggregateFunction function, int argument, data::Type type);
sql::Node WindowNode(std::vector<size_t> partition, int64_t preceding,
                     std::vector<sql::Aggregate> aggregates);
// By key: count(*), then count, sum, avg, min and max of n.
sql::Node BigintNode(int64_t preceding);
// By key: sum and avg of x.
sql::Node SumNode(int64_t preceding);

InputRow WindowInput(int64_t time, std::string key, sql::Value n, sql::Value x = kNull,
                     sql::Value word = kNull);
// What the window adds to each row.
Lines WindowLines(Running& window, const std::vector<InputRow>& rows);

// The sum as FrameAnswers defines it, by recursion over (time, value) in order of time.
double SumByDefinition(const std::vector<std::pair<int64_t, double>>& rows);

}  // namespace streamml::operators
