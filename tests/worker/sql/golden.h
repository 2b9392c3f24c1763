// Cases of cases/*.txt: SQL, and the plan or the error that it must give.
//
//   # comment
//   >> SELECT id        (SQL; further lines until << belong to it)
//      FROM payments
//   << project id       (expected; until the next >> or #)
//        scan payments
#pragma once

#include <string>
#include <vector>

#include "worker/sql/analyze.h"

namespace streamml::sql {

struct GoldenCase {
  std::string file;
  int line = 0;
  std::string sql;
  std::string expected;
};

// All cases, by file name and line. Throws std::runtime_error on a file that is not of this form.
std::vector<GoldenCase> LoadCases();

// The relations the cases read.
const Catalog& TestCatalog();

// Plan and output schema, or "error at `rest of the text`: message".
std::string Describe(const std::string& sql, const absl::StatusOr<std::unique_ptr<Node>>& result);

}  // namespace streamml::sql
