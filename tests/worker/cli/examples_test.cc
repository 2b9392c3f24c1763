// Manifests that people read are valid, and say what the documents say of them.
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "tests/worker/cli/command_fixture.h"

namespace streamml::cli {
namespace {

using ::testing::HasSubstr;

std::string ReadSource(const std::string& path) {
  std::ifstream file(std::string(STREAMML_SOURCE) + "/" + path);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The text between the first line `fence` and the next line of three backticks.
std::string Block(const std::string& text, const std::string& fence) {
  const size_t start = text.find("\n" + fence + "\n") + fence.size() + 2;
  return text.substr(start, text.find("\n```", start) + 1 - start);
}

TEST_F(CommandTest, ManifestInTheReadmeIsValid) {
  Write("job.yaml", Block(ReadSource("README.md"), "```yaml"));
  const CommandResult result = Run({"validate", "job.yaml", "--bind", "payments=job.yaml"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(CommandTest, ExamplesAreValidAndExplainTheirState) {
  for (const std::string name : {"card-fraud", "phishing"}) {
    Write("job.yaml", ReadSource("examples/" + name + "/job.yaml"));
    const std::string source = name == "phishing" ? "pages" : "payments";
    const CommandResult result = Run({"validate", "job.yaml", "--bind", source + "=job.yaml"});
    EXPECT_EQ(result.exit_code, 0) << name << ": " << result.err;
    const CommandResult explain = Run({"explain", "job.yaml"});
    EXPECT_EQ(explain.exit_code, 0) << name << ": " << explain.err;
    EXPECT_THAT(explain.out, testing::Not(HasSubstr("bound is not known")));
  }
}

TEST_F(CommandTest, FullManifestNamesWhatIsNotBuiltAsItsReadmeSays) {
  const std::string name = std::string(STREAMML_SOURCE) + "/examples/full/job.yaml";
  const CommandResult result = Run({"validate", name});
  EXPECT_EQ(result.exit_code, 2);
  std::string expected = Block(ReadSource("examples/full/README.md"),
                               "$ ./dev streamml validate examples/full/job.yaml");
  std::string seen = result.err;
  const std::string prefix = std::string(STREAMML_SOURCE) + "/";
  for (size_t at = seen.find(prefix); at != std::string::npos; at = seen.find(prefix, at))
    seen.erase(at, prefix.size());
  EXPECT_EQ(seen, expected);
}

}  // namespace
}  // namespace streamml::cli
