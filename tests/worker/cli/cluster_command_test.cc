// `streamml cluster` as far as it goes without brokers.
#include "gmock/gmock.h"
#include "tests/worker/cli/command_fixture.h"

namespace streamml::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kManifest = R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: tiny}
spec:
  clusters: [{name: main, kafka: {brokers: "127.0.0.1:1"}}]
  log: {cluster: main, partitions: 2}
  sources:
  - name: events
    SOURCE
    format: json
    columns: [{name: id, type: text}]
  sinks: [{name: out, SINK}]
)";

class ClusterCommandTest : public CommandTest {
 protected:
  CommandResult Cluster(const std::string& source, const std::string& sink,
                        std::vector<std::string> flags) {
    std::string text = kManifest;
    text.replace(text.find("SOURCE"), 6, source);
    text.replace(text.find("SINK"), 4, sink);
    Write("job.yaml", text);
    flags.insert(flags.begin(), {"cluster", "job.yaml"});
    return Run(flags);
  }
};

TEST_F(ClusterCommandTest, FilesAreRefusedByName) {
  const CommandResult result = Cluster("file: events.jsonl", "from: events", {"--workers", "2"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("job.yaml:9:11: spec.sources[events].file: several workers cannot "
                              "read files"),
                    HasSubstr("spec.sinks[out]: several workers cannot write files")));
}

TEST_F(ClusterCommandTest, MistakesInSqlAreToldBeforeAnythingStarts) {
  const CommandResult result =
      Cluster("topic: events\n    cluster: main",
              "sql: \"SELECT nothing FROM events\", topic: out, cluster: main", {"--workers", "2"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("spec.sinks[out].sql"), HasSubstr("nothing")));
}

TEST_F(ClusterCommandTest, CommandsNeedARunningCluster) {
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--status"}, {"--stop"}, {"--snapshot"}, {"--resize", "2"}}) {
    const CommandResult result = Cluster("topic: events\n    cluster: main",
                                         "from: events, topic: out, cluster: main", flags);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("no cluster runs with data folder './tiny.data'"));
  }
}

}  // namespace
}  // namespace streamml::cli
