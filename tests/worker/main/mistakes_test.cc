#include "worker/main/mistakes.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job/manifest/diagnostic.h"

namespace streamml::worker {
namespace {

TEST(MistakesTest, LinesBecomeValues) {
  const auto mistakes = ToMistakes(
      "job.yaml:12:7: spec.views[features].sql: column 'x' is not known: did you mean 'y'?\n"
      "job.yaml:3:1: not YAML: a tab\n"
      "job.yaml: is empty\n"
      "spec.sources[a b]: a name with a space\n",
      "job.yaml");
  ASSERT_EQ(mistakes.size(), 4u);
  EXPECT_EQ(mistakes[0].line(), 12u);
  EXPECT_EQ(mistakes[0].column(), 7u);
  EXPECT_EQ(mistakes[0].path(), "spec.views[features].sql");
  EXPECT_EQ(mistakes[0].message(), "column 'x' is not known: did you mean 'y'?");
  EXPECT_EQ(mistakes[0].text(),
            "job.yaml:12:7: spec.views[features].sql: column 'x' is not known: did you mean 'y'?");
  EXPECT_EQ(mistakes[1].line(), 3u);
  EXPECT_EQ(mistakes[1].path(), "");
  EXPECT_EQ(mistakes[1].message(), "not YAML: a tab");
  EXPECT_EQ(mistakes[2].line(), 0u);
  EXPECT_EQ(mistakes[2].message(), "is empty");
  EXPECT_EQ(mistakes[3].path(), "");
}

TEST(MistakesTest, GiveBackWhatFormatWrote) {
  const manifest::Diagnostic diagnostic{
      manifest::Severity::kError, "spec.sinks[out]", {5, 9}, "no: thing"};
  const auto mistakes = ToMistakes(manifest::Format(diagnostic, "a:1:2.yaml"), "a:1:2.yaml");
  ASSERT_EQ(mistakes.size(), 1u);
  EXPECT_EQ(mistakes[0].line(), 5u);
  EXPECT_EQ(mistakes[0].column(), 9u);
  EXPECT_EQ(mistakes[0].path(), "spec.sinks[out]");
  EXPECT_EQ(mistakes[0].message(), "no: thing");
}

}  // namespace
}  // namespace streamml::worker
