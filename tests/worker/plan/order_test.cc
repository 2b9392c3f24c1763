// Where rows wait for the watermark, where they are answered as they come, and where no re-key is
// needed because the source's partitions are promised.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job/manifest/manifest.h"
#include "tests/worker/plan/fake_topics.h"
#include "worker/plan/plan.h"

namespace streamml::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kJob = R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: tiny}
spec:
  clusters: [{name: main, kafka: {brokers: "kafka:9092"}}]
  log: {cluster: main, partitions: 4}
  sources:
  - name: events
    topic: events
    cluster: main
    format: json
    columns:
    - {name: card, type: text}
    - {name: shop, type: text}
    - {name: fraud, type: boolean}
    - {name: at, type: timestamp}
    watermark: {column: at}
  views:
  - name: features
    emit: arrival
    sql: |
      SELECT card, shop, fraud, at, count(*) OVER w AS seen FROM events
      WINDOW w AS (PARTITION BY card ORDER BY at RANGE INTERVAL '1 hour' PRECEDING)
  - name: shops
    sql: |
      SELECT shop, at, count(*) OVER w AS seen FROM features
      WINDOW w AS (PARTITION BY shop ORDER BY at RANGE INTERVAL '1 hour' PRECEDING)
  models:
  - name: risk
    score: features
    train: {from: features, label: fraud, mode: async, adopt: {policy: asap, every: 1s}}
    features: {numeric: [seen], hashBits: 4}
    learner: {name: ftrl}
  sinks:
  - {name: out, from: risk, cluster: main, topic: out}
  - {name: by-shop, from: shops, cluster: main, topic: out}
  workers: {lanes: 2}
)";

class OrderTest : public testing::Test {
 protected:
  absl::StatusOr<JobPlan> Plan(const std::vector<std::pair<std::string, std::string>>& changes) {
    auto parsed = manifest::Parse(absl::StrReplaceAll(kJob, changes), "job.yaml");
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    return MakePlan(
        *parsed, {}, FileAccess(),
        [this](const std::string&) -> absl::StatusOr<log::Topics*> { return &topics_; });
  }
  // "events: any, features: arrival, shops: event order".
  std::vector<std::string> Orders(const std::vector<std::pair<std::string, std::string>>& changes) {
    const auto plan = Plan(changes);
    EXPECT_TRUE(plan.ok()) << plan.status();
    std::vector<std::string> orders;
    if (!plan.ok()) return orders;
    for (const StagePlan& stage : plan->stages) {
      EXPECT_FALSE(stage.spec->on_arrival && stage.spec->event_order) << stage.spec->name;
      orders.push_back(absl::StrCat(stage.spec->name, ": ",
                                    stage.spec->event_order  ? "event order"
                                    : stage.spec->on_arrival ? "arrival"
                                                             : "any"));
    }
    return orders;
  }

  FakeTopics topics_;
};

TEST_F(OrderTest, OnlyWhatIsWantedOnArrivalIsAnsweredSo) {
  EXPECT_THAT(Orders({}), ElementsAre("events: any", "features: arrival", "shops: event order",
                                      "risk.trainer: event order"));
}

TEST_F(OrderTest, WithoutItRowsWaitForTheWatermark) {
  EXPECT_THAT(Orders({{"emit: arrival", "emit: watermark"}}),
              ElementsAre("events: any", "features: event order", "shops: event order",
                          "risk.trainer: event order"));
}

TEST_F(OrderTest, InOneLaneTheSourceDoesNotWaitForAnotherViewsSake) {
  EXPECT_THAT(Orders({{"lanes: 2", "lanes: 1"}, {"FROM features", "FROM events"}}),
              ElementsAre("events: arrival", "shops: event order", "risk.trainer: event order"));
}

TEST_F(OrderTest, AModelThatScoresOnArrivalLearnsInlineInThatOrder) {
  EXPECT_THAT(
      Orders({{"mode: async, adopt: {policy: asap, every: 1s}", "mode: inline"}}),
      ElementsAre("events: any", "features: arrival", "shops: event order", "risk: arrival"));
}

TEST_F(OrderTest, VersionsAreNotAdoptedInEventTimeWhereRowsDoNotWait) {
  const auto plan =
      Plan({{"{policy: asap, every: 1s}", "{policy: eventTime, every: 1s, lag: 5s}"}});
  EXPECT_THAT(plan.status().message(),
              HasSubstr("spec.models[risk].train.adopt.policy: model 'risk': the scored relation "
                        "emits on arrival"));
}

TEST_F(OrderTest, APartitionedSourceNeedsNoReKey) {
  const std::pair<std::string, std::string> promise = {
      "    watermark", "    partitionedBy: {columns: [card], partitioner: crc32}\n    watermark"};
  EXPECT_THAT(Orders({promise}),
              ElementsAre("events: arrival", "shops: event order", "risk.trainer: event order"));
  const auto plan = Plan({promise});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->stages[0].num_lanes, 2u);
  EXPECT_THAT(Explain(*plan), HasSubstr("3 partitions by card (crc32, checked)"));
  EXPECT_THAT(
      Orders({promise, {"emit: arrival", "emit: watermark"}}),
      ElementsAre("events: event order", "shops: event order", "risk.trainer: event order"));
}

TEST_F(OrderTest, APromiseOfColumnsThatTheWindowLacksDoesNotHelp) {
  EXPECT_THAT(Orders({{"    watermark",
                       "    partitionedBy: {columns: [card, shop], partitioner: murmur2}\n"
                       "    watermark"}})[1],
              "features: arrival");
}

TEST_F(OrderTest, AnUnknownColumnOfThePromiseIsShownAtItsPlace) {
  const auto plan = Plan({{"    watermark",
                           "    partitionedBy: {columns: [cart], partitioner: murmur2}\n"
                           "    watermark"}});
  EXPECT_THAT(plan.status().message(),
              HasSubstr("spec.sources[events].partitionedBy.columns[0]: source 'events' has no "
                        "column 'cart'"));
}

}  // namespace
}  // namespace streamml::plan
