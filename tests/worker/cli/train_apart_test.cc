// A model that is trained in another lane than those that score, from the outside.
#include <algorithm>
#include <filesystem>
#include <sstream>

#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "tests/worker/cli/command_fixture.h"

namespace streamml::cli {
namespace {

using ::testing::HasSubstr;

class TrainApartTest : public CommandTest {
 protected:
  void MakeApart(const std::string& adopt, int lanes) {
    MakeJob(600);
    std::string job = Read("job.yaml");
    const std::string mode = "mode: inline";
    job.replace(job.find(mode), mode.size(), "mode: async, adopt: " + adopt);
    const std::string two = "workers: {lanes: 2}";
    job.replace(job.find(two), two.size(), "workers: {lanes: " + std::to_string(lanes) + "}");
    Write("job.yaml", job);
  }

  // All lines of a sink's parts, sorted.
  std::vector<std::string> Lines(const std::string& data, const std::string& sink) const {
    std::vector<std::string> lines;
    for (const auto& [path, text] : Outputs(data)) {
      if (path.find(sink + "/") == std::string::npos) continue;
      std::istringstream stream(text);
      for (std::string line; std::getline(stream, line);) lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  nlohmann::json RunTo(const std::string& data) const {
    const CommandResult run = Run(RunArguments(data, {"--summary", data + ".json"}));
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    auto summary = nlohmann::json::parse(Read(data + ".json"), nullptr, /*allow_exceptions=*/false);
    EXPECT_EQ(summary["accounting"]["addsUp"], true) << run.out;
    return summary;
  }
};

TEST_F(TrainApartTest, InEventTimeScoresAreTheSameWithAnyNumberOfLanes) {
  const std::string adopt = "{policy: eventTime, every: 1m, lag: 1m}";
  MakeApart(adopt, 1);
  const auto one = RunTo("one");
  const std::vector<std::string> lines = Lines("one", "scores");
  EXPECT_EQ(one["models"][0]["examples"], lines.size());
  EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return line.find("\"model_version\":0}") == std::string::npos;
  }));
  for (const int lanes : {2, 4}) {
    MakeApart(adopt, lanes);
    const std::string data = "lanes" + std::to_string(lanes);
    const auto summary = RunTo(data);
    EXPECT_TRUE(Lines(data, "scores") == lines) << lanes;
    EXPECT_EQ(summary["models"], one["models"]) << lanes;
    std::filesystem::remove_all(Path(data + "/scores"));
    const CommandResult replay =
        Run({"replay", "job.yaml", "--all", "--bind", "payments=*.jsonl", "--data-dir", data});
    EXPECT_EQ(replay.exit_code, 0) << replay.err << replay.out;
    EXPECT_TRUE(Lines(data, "scores") == lines) << lanes;
  }
}

TEST_F(TrainApartTest, AdoptedAsTheyComeTheJournalStillGivesEveryScoreAgain) {
  MakeApart("{policy: asap}", 2);
  const auto summary = RunTo("data");
  EXPECT_THAT(Run(RunArguments("other")).err, HasSubstr("note: model scored is trained apart"));
  const std::map<std::string, std::string> before = Outputs("data");
  EXPECT_EQ(summary["models"][0]["examples"], Lines("data", "scores").size());
  std::filesystem::remove_all(Path("data/scores"));
  const CommandResult replay =
      Run({"replay", "job.yaml", "--all", "--bind", "payments=*.jsonl", "--data-dir", "data"});
  EXPECT_EQ(replay.exit_code, 0) << replay.err << replay.out;
  EXPECT_TRUE(Outputs("data") == before);
}

TEST_F(TrainApartTest, ExplainShowsTrainerAndVersions) {
  MakeApart("{policy: eventTime, every: 10s, lag: 1h}", 2);
  const CommandResult explain = Run({"explain", "job.yaml"});
  EXPECT_EQ(explain.exit_code, 0) << explain.err;
  EXPECT_THAT(explain.out, HasSubstr("versions from topic scored.versions, adopted 1h after"));
  EXPECT_THAT(explain.out, HasSubstr("a version each 10s of event time, into topic"));
}

TEST_F(TrainApartTest, MistakesOfAdoptionHaveTheirPlace) {
  MakeApart("{policy: asap, lag: 1m}", 2);
  EXPECT_THAT(Run({"validate", "job.yaml"}).err,
              HasSubstr("spec.models[scored].train.adopt.lag: policy asap has no lag"));
  MakeApart("{policy: eventTime, every: 1m}", 2);
  EXPECT_THAT(Run({"validate", "job.yaml"}).err, HasSubstr("policy eventTime needs every and lag"));
  std::string job = Read("job.yaml");
  const std::string from = "from: features, label";
  job.replace(job.find(from), from.size(), "from: payments, label");
  Write("job.yaml", job);
  EXPECT_THAT(Run({"validate", "job.yaml"}).err,
              HasSubstr("training apart learns from scored rows"));
}

}  // namespace
}  // namespace streamml::cli
