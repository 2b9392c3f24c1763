// docs/manifest.md: written by hand down to a marker, made from the .proto below it.
//
//   STREAMML_UPDATE_DOCS=1 ./dev test -R manifest_test      writes the part below anew
#include "tests/job/manifest/reference.h"

#include "gmock/gmock.h"
#include "tests/job/manifest/support.h"
#include "tests/support/generated_document.h"

namespace streamml::manifest {
namespace {

constexpr std::string_view kMarker =
    "<!-- Below: made from proto/streamml/job/v1/job.proto by tests/job/manifest/reference.cc "
    "-->\n";
constexpr const char* kPath = STREAMML_ROOT "/docs/manifest.md";

Reference Made() {
  absl::StatusOr<Reference> reference = MakeReference(ReadFile(STREAMML_JOB_DESCRIPTORS));
  EXPECT_TRUE(reference.ok()) << reference.status();
  return reference.ok() ? *std::move(reference) : Reference();
}

TEST(ManifestReference, IsFresh) {
  support::CheckIsFresh(kPath, "docs/manifest.md", kMarker, Made().text);
}

TEST(ManifestReference, EveryFieldHasAComment) {
  EXPECT_THAT(Made().undocumented, testing::IsEmpty());
}

TEST(ManifestReference, ItsExampleIsAValidManifest) {
  const std::string text = ReadFile(kPath);
  const size_t start = text.find("```yaml\n") + 8;
  const std::string example = text.substr(start, text.find("```\n", start) - start);
  EXPECT_EQ(Report(example, "docs/manifest.md"), "");
}

}  // namespace
}  // namespace streamml::manifest
