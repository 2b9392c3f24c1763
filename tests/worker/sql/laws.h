// Laws of every plan: EXPECTs for tests. The mutants they kill: a wrong column index after windows
// were placed, an implicit cast left out, a text in a plan that loses a cast or a quote.
#pragma once

#include "worker/sql/plan.h"

namespace streamml::sql {

// Columns and types fit the input's at every node; and every expression, written as SQL and
// analyzed again over the same columns, gives the same text and type. Scans read TestCatalog().
void CheckPlan(const Node& plan);

}  // namespace streamml::sql
