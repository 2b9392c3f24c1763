// A job whose snapshots are copied to a store in a folder: it goes on from there when its own are
// gone, and does without while the store is away.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gmock/gmock.h"
#include "tests/worker/cli/command_fixture.h"

namespace streamml::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class StoreCommandTest : public CommandTest {
 protected:
  // The job of the fixture with a store.
  void MakeJobWithStore(int rows, const std::string& store) {
    MakeJob(rows);
    std::string job = Read("job.yaml");
    const size_t spec = job.find("spec:\n") + 6;
    Write("job.yaml", job.insert(spec, "  snapshots: {store: " + store + ", upload: 1s}\n"));
  }
  // Of the stored snapshots of all lanes.
  size_t NumStored() const {
    size_t count = 0;
    const std::filesystem::path lanes = Path("store/tiny/1/lanes");
    if (!std::filesystem::exists(lanes)) return 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(lanes)) {
      if (entry.is_regular_file()) ++count;
    }
    return count;
  }
};

TEST_F(StoreCommandTest, AJobWithoutItsSnapshotsGoesOnFromTheStore) {
  MakeJobWithStore(600, Path("store"));
  const CommandResult first = Run(RunArguments("data", {"--summary", "first.json"}));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, Not(HasSubstr("store")));
  EXPECT_GT(NumStored(), 0u);
  const std::map<std::string, std::string> outputs = Outputs("data");
  ASSERT_GT(std::filesystem::remove_all(Path("data/.streamml/lanes")), 0u);
  const CommandResult again = Run(RunArguments("data", {"--summary", "again.json"}));
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("recovered from the snapshot"));
  EXPECT_EQ(Outputs("data"), outputs);
  const auto before = nlohmann::json::parse(Read("first.json"));
  const auto after = nlohmann::json::parse(Read("again.json"));
  EXPECT_EQ(before["lanes"][0]["stateDigest"], after["lanes"][0]["stateDigest"]);
  EXPECT_EQ(before["models"], after["models"]);
  EXPECT_EQ(Run({"replay", "job.yaml", "--all", "--bind", "payments=?.jsonl", "--data-dir", "data"})
                .exit_code,
            0);
}

// What stands where the store's folder has to be keeps it away.
TEST_F(StoreCommandTest, AStoreThatIsAwayIsAWarning) {
  MakeJobWithStore(100, Path("store"));
  Write("store", "in the way");
  const CommandResult run = Run(RunArguments("data"));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("are on this machine only"));
  EXPECT_THAT(run.out, HasSubstr("tiny: finished"));
  std::filesystem::remove(Path("store"));
  const CommandResult again = Run(RunArguments("data"));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, Not(HasSubstr("on this machine only")));
  EXPECT_GT(NumStored(), 0u) << "what was saved in an earlier life";
}

// It would begin anew, although the store may have what it needs.
TEST_F(StoreCommandTest, AJobWithoutItsSnapshotsWaitsForAStoreThatIsAway) {
  MakeJobWithStore(100, Path("store"));
  ASSERT_EQ(Run(RunArguments("data")).exit_code, 0);
  std::filesystem::remove_all(Path("data/.streamml/lanes"));
  std::filesystem::rename(Path("store"), Path("elsewhere"));
  Write("store", "in the way");
  const CommandResult run = Run(RunArguments("data"));
  EXPECT_NE(run.exit_code, 0);
  EXPECT_THAT(run.err, HasSubstr("no snapshot is on this disk, and the store cannot be asked"));
}

TEST_F(StoreCommandTest, CredentialsThatCannotBeReadAreToldBeforeAnythingRuns) {
  MakeJobWithStore(10, "'s3://bucket/jobs?endpoint=http://127.0.0.1:1'");
  std::string job = Read("job.yaml");
  const size_t place = job.find(", upload: 1s");
  Write("job.yaml", job.insert(place, ", credentialsFrom: {env: STREAMML_NO_SUCH_VARIABLE}"));
  const CommandResult run = Run(RunArguments("data"));
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("spec.snapshots.credentialsFrom.env: there is no environment "
                                 "variable 'STREAMML_NO_SUCH_VARIABLE'"));
}

}  // namespace
}  // namespace streamml::cli
