// docs/learners.md: written by hand down to a marker, made from the tables of learners and metrics
// below it.
//
//   STREAMML_UPDATE_DOCS=1 ./dev test -R learn_test      writes the part below anew
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/support/generated_document.h"
#include "worker/learn/learner.h"
#include "worker/learn/metrics.h"

namespace streamml::learn {
namespace {

constexpr std::string_view kMarker =
    "<!-- Below: made from the tables of worker/learn by tests/worker/learn/reference_test.cc "
    "-->\n";
constexpr const char* kPath = STREAMML_ROOT "/docs/learners.md";

std::string Tables() {
  std::string text;
  for (const LearnerEntry& entry : LearnerTable()) {
    absl::StrAppend(
        &text, "\n## Learner `", entry.name, "`\n\n", entry.doc, " (", entry.reference,
        ").\n\n| parameter | default | allowed | meaning |\n| --- | --- | --- | --- |\n");
    for (const ParameterSpec& spec : entry.parameters) {
      absl::StrAppend(&text, "| `", spec.name, "` | ", spec.default_value, " | ",
                      spec.minimum_open ? "above " : "from ", spec.minimum, " to ", spec.maximum,
                      " | ", spec.doc, " |\n");
    }
  }
  text += "\n## Metrics\n\n| metric | meaning |\n| --- | --- |\n";
  for (const MetricEntry& entry : MetricTable()) {
    absl::StrAppend(&text, "| `", entry.name, "` | ", entry.doc, " |\n");
  }
  return text;
}

TEST(LearnersReference, IsFresh) {
  support::CheckIsFresh(kPath, "docs/learners.md", kMarker, Tables());
}

TEST(LearnersReference, ItsExampleNamesTheDefaultMetrics) {
  EXPECT_NE(support::ReadDocument(kPath).find(
                absl::StrCat("metrics: [", absl::StrJoin(DefaultMetrics(), ", "), "]")),
            std::string::npos);
}

}  // namespace
}  // namespace streamml::learn
