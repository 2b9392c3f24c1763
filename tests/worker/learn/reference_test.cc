// docs/learners.md: written by hand down to a marker, made from the tables of learners and metrics
// below it.
//
//   STREAMML_UPDATE_DOCS=1 ./dev test -R learn_test      writes the part below anew
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
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

std::string ReadDocument() {
  std::stringstream text;
  text << std::ifstream(kPath).rdbuf();
  return text.str();
}

TEST(LearnersReference, IsFresh) {
  const std::string committed = ReadDocument();
  const size_t end = committed.find(kMarker);
  ASSERT_NE(end, std::string::npos) << kPath << " has no marker";
  const std::string fresh = committed.substr(0, end + kMarker.size()) + Tables();
  if (std::getenv("STREAMML_UPDATE_DOCS") != nullptr) {
    std::ofstream(kPath) << fresh;
    return;
  }
  EXPECT_EQ(committed, fresh)
      << "docs/learners.md is stale; the test's first lines say how to write it anew";
}

TEST(LearnersReference, ItsExampleNamesTheDefaultMetrics) {
  EXPECT_NE(
      ReadDocument().find(absl::StrCat("metrics: [", absl::StrJoin(DefaultMetrics(), ", "), "]")),
      std::string::npos);
}

}  // namespace
}  // namespace streamml::learn
