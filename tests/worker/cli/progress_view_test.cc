#include "worker/cli/progress_view.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace streamml::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// One source stage without operators, and a stage with a model behind it.
plan::JobPlan Plan() {
  plan::JobPlan plan;
  plan.stages.resize(2);
  plan.stages[0].spec = std::make_shared<lane::StageSpec>();
  plan.stages[0].source = 0;
  plan.stages[1].spec = std::make_shared<lane::StageSpec>();
  plan.lanes.resize(2);
  plan.lanes[1].stage = 1;
  return plan;
}

std::vector<lane::LaneProgress> Progress(uint64_t rows, int64_t watermark) {
  std::vector<lane::LaneProgress> lanes(2);
  lanes[0].counters = {{"read", rows}, {"late", 2}, {"dead", 1}};
  lanes[0].watermark = data::kMaxTime;
  lanes[1].counters = {{"read", rows - 3}, {"late", 0}, {"dead", 0}};
  lanes[1].watermark = watermark;
  lane::ModelProgress model;
  model.name = "fraud";
  model.version = rows - 3;
  model.metrics = {{"auc", 0.75}, {"recall", std::nullopt}};
  lanes[1].models = {model};
  return lanes;
}

TEST(ProgressViewTest, BlockShowsRowsRateWatermarkAndModels) {
  const plan::JobPlan plan = Plan();
  ProgressView view(plan, {"job", false});
  view.Start(Progress(1000, 0), 5'000'000);
  EXPECT_THAT(
      view.Block(Progress(3000, 60'000'000), 6'000'000),
      ElementsAre("job  running 1.0 s", "  rows       3,000  (2,000 rows/s)  late 2  dead 1",
                  "  learned    2,997 examples  (2,000 examples/s)",
                  "  watermark  1970-01-01 00:01:00",
                  "  fraud      version 2,997  auc 0.75  recall -"));
}

TEST(ProgressViewTest, RateIsThatOfTheLastSeconds) {
  const plan::JobPlan plan = Plan();
  ProgressView view(plan, {"job", false});
  view.Start(Progress(1'000'000, 0), 0);
  for (int64_t second = 1; second <= 10; ++second) {
    view.Block(Progress(1'000'000 + static_cast<uint64_t>(second) * 10, 0), second * 1'000'000);
  }
  EXPECT_THAT(view.Block(Progress(1'000'110, 0), 11'000'000)[1], HasSubstr("(10 rows/s)"));
}

TEST(ProgressViewTest, PlainLineSaysTheSame) {
  const plan::JobPlan plan = Plan();
  ProgressView view(plan, {"job", false});
  view.Start(Progress(1000, data::kMinTime), 0);
  EXPECT_EQ(view.Line(Progress(11'000, data::kMinTime), 5'000'000),
            "job: 11,000 rows, 2,000 rows/s, watermark -, 2 late, 1 dead, 2,000 examples/s; fraud "
            "version 10,997, auc 0.75, recall -");
}

TEST(ProgressViewTest, RowsThatWaitBetweenStagesAreShown) {
  plan::JobPlan plan = Plan();
  plan.stages[0].spec->topics.push_back({-1, "between", 1, {}});
  plan.stages[1].topic = "between";
  std::vector<lane::LaneProgress> lanes = Progress(10'000, 0);
  lanes[1].counters[0].second = 4000;
  ProgressView view(plan, {"job", false});
  view.Start(lanes, 0);
  EXPECT_THAT(view.Line(lanes, 1), HasSubstr(", 5,997 waiting"));
  EXPECT_EQ(view.Block(lanes, 2)[2], "  waiting    5,997 rows");
}

TEST(ProgressViewTest, ColourOnlyWhenAskedFor) {
  const plan::JobPlan plan = Plan();
  EXPECT_THAT(ProgressView(plan, {"job", false}).Block(Progress(10, 0), 0)[0],
              Not(HasSubstr("\x1b")));
  EXPECT_THAT(ProgressView(plan, {"job", true}).Block(Progress(10, 0), 0)[0],
              HasSubstr("\x1b[1mjob\x1b[0m"));
}

}  // namespace
}  // namespace streamml::cli
