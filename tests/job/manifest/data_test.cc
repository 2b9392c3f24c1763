// Manifests as data: data/good/*.yaml are fine; data/bad/NAME.yaml gives the lines of
// NAME.expected.
#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/job/manifest/support.h"

namespace streamml::manifest {
namespace {

std::vector<std::filesystem::path> Manifests(std::string_view folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(DataPath(folder))) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

void ExpectReport(std::filesystem::path path) {
  const std::string report = Report(ReadFile(path), path.filename().string());
  const std::string expected = ReadFile(path.replace_extension(".expected"));
  EXPECT_FALSE(expected.empty()) << path;
  EXPECT_EQ(report + "\n", expected) << path;
}

TEST(ManifestData, GoodManifestsHaveNoMistakes) {
  const auto manifests = Manifests("good");
  EXPECT_GE(manifests.size(), 2u);
  for (const auto& path : manifests) EXPECT_EQ(Report(ReadFile(path), path.string()), "");
}

TEST(ManifestData, BadManifestsAreRefusedWithTheExpectedLines) {
  const auto manifests = Manifests("bad");
  EXPECT_GE(manifests.size(), 8u);
  for (const auto& path : manifests) ExpectReport(path);
}

TEST(ManifestData, TheDesignsManifestParsesAndNamesExactlyWhatIsNotBuilt) {
  EXPECT_TRUE(Parse(ReadFile(DataPath("design.yaml")), "design.yaml").ok());
  ExpectReport(DataPath("design.yaml"));
}

}  // namespace
}  // namespace streamml::manifest
