// The analyzer against cases/*.txt, and laws over all of them. STREAMML_UPDATE_CASES=1 rewrites the
// files with what the analyzer gives now; read the difference before you commit it.
#include "tests/worker/sql/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/worker/sql/laws.h"
#include "worker/sql/internal/functions.h"
#include "worker/sql/internal/refusal.h"

namespace streamml::sql {
namespace {

std::string Where(const GoldenCase& golden) {
  return absl::StrCat(golden.file, ":", golden.line, "\n", golden.sql);
}

// Keeps comments and blank lines; replaces what follows <<.
void Update(const std::vector<GoldenCase>& cases) {
  std::map<std::string, std::string> texts;
  for (const GoldenCase& golden : cases) texts[golden.file] = "";
  for (auto& [file, text] : texts) {
    std::ifstream in(absl::StrCat(STREAMML_SQL_CASES, "/", file));
    std::string line;
    bool skipping = false;
    auto golden = std::find_if(cases.begin(), cases.end(),
                               [&](const GoldenCase& c) { return c.file == file; });
    while (std::getline(in, line)) {
      if (line.starts_with("<< ")) {
        const std::string actual = Describe(golden->sql, Analyze(golden->sql, TestCatalog()));
        absl::StrAppend(&text, "<< ", absl::StrReplaceAll(actual, {{"\n", "\n   "}}), "\n");
        ++golden;
        skipping = true;
        continue;
      }
      if (!line.starts_with(" ")) skipping = false;
      if (!skipping) absl::StrAppend(&text, line, "\n");
    }
  }
  for (const auto& [file, text] : texts)
    std::ofstream(absl::StrCat(STREAMML_SQL_CASES, "/", file)) << text;
}

TEST(SqlCases, GiveTheExpectedPlanOrError) {
  std::vector<GoldenCase> cases = LoadCases();
  ASSERT_GT(cases.size(), 300u);
  if (std::getenv("STREAMML_UPDATE_CASES") != nullptr) {
    Update(cases);
    cases = LoadCases();
  }
  for (const GoldenCase& golden : cases) {
    EXPECT_EQ(Describe(golden.sql, Analyze(golden.sql, TestCatalog())), golden.expected)
        << Where(golden);
  }
}

TEST(SqlCases, GivePlansThatKeepTheLaws) {
  int plans = 0;
  for (const GoldenCase& golden : LoadCases()) {
    const auto plan = Analyze(golden.sql, TestCatalog());
    if (!plan.ok()) continue;
    SCOPED_TRACE(Where(golden));
    CheckPlan(**plan);
    ++plans;
  }
  EXPECT_GT(plans, 200);
}

std::string AllExpectations() {
  std::string all;
  for (const GoldenCase& golden : LoadCases()) absl::StrAppend(&all, golden.expected, "\n");
  return all;
}

TEST(SqlCases, ReachEveryRefusalOfTheTable) {
  const std::string all = AllExpectations();
  for (const internal::Refusal& refusal : internal::Refusals()) {
    const std::string message = absl::StrCat(std::string(refusal.what),
                                             " is not supported: ", std::string(refusal.instead));
    EXPECT_TRUE(absl::StrContains(all, message)) << message;
  }
}

TEST(SqlDocumentation, ListsEveryRefusalAndFunction) {
  std::ifstream in(STREAMML_SQL_DOCUMENTATION);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  for (const internal::Refusal& refusal : internal::Refusals()) {
    const std::string row =
        absl::StrCat("| ", absl::StrReplaceAll(std::string(refusal.what), {{"|", "\\|"}}), " | ",
                     absl::StrReplaceAll(std::string(refusal.instead), {{"|", "\\|"}}), " |");
    EXPECT_TRUE(absl::StrContains(text, row)) << row;
  }
  for (const std::string& name : internal::FunctionNames()) {
    EXPECT_TRUE(absl::StrContains(text, name)) << name;
  }
}

TEST(SqlCases, UseEveryFunctionOfTheTable) {
  std::string all;
  for (const GoldenCase& golden : LoadCases()) {
    if (!absl::StartsWith(golden.expected, "error")) absl::StrAppend(&all, golden.sql, "\n");
  }
  for (const std::string& name : internal::FunctionNames()) {
    EXPECT_TRUE(absl::StrContains(all, name + "(")) << name;
  }
}

}  // namespace
}  // namespace streamml::sql
