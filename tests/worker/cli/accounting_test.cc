#include "worker/cli/accounting.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace streamml::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

lane::NodeSpec Node(int input, const std::string& owner) {
  lane::NodeSpec node;
  node.input = input;
  node.owner = owner;
  node.name = "op";
  return node;
}

// A source whose rows are filtered, then projected into a topic that another stage reads.
plan::JobPlan TwoStages() {
  plan::JobPlan plan;
  plan.stages.resize(2);
  plan.stages[0].spec = std::make_shared<lane::StageSpec>();
  plan.stages[0].source = 0;
  plan.stages[0].spec->name = "payments";
  plan.stages[0].spec->nodes = {Node(-1, "view"), Node(0, "view")};
  lane::TopicOutput topic;
  topic.node = 1;
  topic.topic = "t";
  plan.stages[0].spec->topics = {topic};
  plan.stages[1].spec = std::make_shared<lane::StageSpec>();
  plan.stages[1].spec->name = "sink";
  plan.stages[1].topic = "t";
  return plan;
}

// 100 read: 3 late, 2 dead, 95 processed, 15 filtered, 1 failed, 79 on.
std::vector<StageCounts> GoodCounts() {
  StageCounts source{100, 3, 2, 0, {{95, 80, 15, 0}, {80, 79, 0, 1}}};
  StageCounts sink{79, 0, 0, 0, {}};
  return {source, sink};
}

TEST(AccountingTest, SumsOfASoundRunAddUp) {
  const Account account = MakeAccount(TwoStages(), GoodCounts(), /*finished=*/true);
  EXPECT_THAT(account.problems, IsEmpty());
  ASSERT_EQ(account.stages.size(), 2u);
  ASSERT_EQ(account.stages[0].paths.size(), 1u);
  const PathAccount& path = account.stages[0].paths[0];
  EXPECT_EQ(path.emitted, 79u);
  EXPECT_EQ(path.filtered, 15u);
  EXPECT_EQ(path.dead, 3u);
  EXPECT_EQ(account.stages[1].paths[0].emitted, 79u);
}

TEST(AccountingTest, EachWayThroughAStageIsAccountedFor) {
  plan::JobPlan plan = TwoStages();
  plan.stages[0].spec->nodes.push_back(Node(0, "other"));  // a second reader of the filter
  std::vector<StageCounts> counts = GoodCounts();
  counts[0].nodes.push_back({80, 70, 10, 0});
  const Account account = MakeAccount(plan, counts, /*finished=*/true);
  EXPECT_THAT(account.problems, IsEmpty());
  ASSERT_EQ(account.stages[0].paths.size(), 2u);
  EXPECT_EQ(account.stages[0].paths[1].relation, "other");
  EXPECT_EQ(account.stages[0].paths[1].filtered, 25u);
  EXPECT_EQ(account.stages[0].paths[1].dead, 2u);
}

TEST(AccountingTest, ALostRowIsReportedWhereverItIsLost) {
  for (const int place : {0, 1, 2, 3}) {
    std::vector<StageCounts> counts = GoodCounts();
    if (place == 0) counts[0].read += 1;               // read and never processed
    if (place == 1) counts[0].nodes[0].filtered -= 1;  // neither emitted nor filtered
    if (place == 2) counts[0].nodes[1].in -= 1;        // between two operators
    if (place == 3) counts[1].read -= 1;               // between two stages
    EXPECT_FALSE(MakeAccount(TwoStages(), counts, /*finished=*/true).problems.empty()) << place;
  }
}

TEST(AccountingTest, HeldRowsAndUnreadTopicsAreNoProblemBeforeTheEnd) {
  std::vector<StageCounts> counts = GoodCounts();
  counts[0].read += 7;
  counts[0].held = 7;
  counts[1].read = 50;
  EXPECT_THAT(MakeAccount(TwoStages(), counts, /*finished=*/false).problems, IsEmpty());
  EXPECT_THAT(MakeAccount(TwoStages(), counts, /*finished=*/true).problems,
              ElementsAre(HasSubstr("79 rows sent, 50 read")));
}

TEST(AccountingTest, CountersOfLanesAddUp) {
  const std::vector<lane::Counter> counters = {
      {"read", 10},   {"late", 1},         {"dead", 2},      {"a.b.in", 7},
      {"a.b.out", 4}, {"a.b.filtered", 2}, {"a.b.failed", 1}};
  StageCounts sum;
  Add(CountsOf(counters, 1), sum);
  Add(CountsOf(counters, 1), sum);
  EXPECT_EQ(sum.read, 20u);
  EXPECT_EQ(sum.late, 2u);
  EXPECT_EQ(sum.dead, 4u);
  EXPECT_EQ(sum.nodes[0].in, 14u);
  EXPECT_EQ(sum.nodes[0].out, 8u);
  EXPECT_EQ(sum.nodes[0].filtered, 4u);
  EXPECT_EQ(sum.nodes[0].failed, 2u);
}

}  // namespace
}  // namespace streamml::cli
