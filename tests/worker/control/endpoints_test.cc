#include "worker/control/endpoints.h"

#include <civetweb.h>

#include <string>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace streamml::control {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

fleet::v1::Observation OneLane(fleet::v1::Phase phase) {
  fleet::v1::Observation seen;
  seen.mutable_worker()->set_name("w\"0");  // quoted on the page
  seen.mutable_worker()->set_started_us(1'700'000'000'000'000);
  seen.mutable_job()->set_identity("fraud");
  seen.set_epoch(7);
  seen.set_state(fleet::v1::WORKER_STATE_ASSIGNED);
  fleet::v1::LaneFacts& lane = *seen.add_lanes();
  lane.set_name("features[1]");
  lane.set_phase(phase);
  lane.set_rows_read(12345678901);
  lane.set_busy(0.25);
  lane.set_watermark_us(1'500'000);
  fleet::v1::ModelFacts& model = *lane.add_models();
  model.set_name("risk");
  model.set_version(42);
  model.add_metrics()->set_name("auc");
  fleet::v1::Metric& metric = *model.add_metrics();
  metric.set_name("logloss");
  metric.set_value(0.5);
  return seen;
}

TEST(MetricsTextTest, HasHelpTypeAndUnitsAndLeavesOutWhatIsNotKnown) {
  const std::string text = MetricsText(OneLane(fleet::v1::PHASE_RUNNING));
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("# HELP streamml_lane_read_rows_total Rows the lane has read"),
            HasSubstr("# TYPE streamml_lane_read_rows_total counter"),
            HasSubstr("streamml_lane_read_rows_total{job=\"fraud\",lane=\"features[1]\"} "
                      "12345678901"),
            HasSubstr("streamml_lane_busy_ratio{job=\"fraud\",lane=\"features[1]\"} 0.25"),
            HasSubstr("streamml_lane_watermark_seconds{job=\"fraud\",lane=\"features[1]\"} 1.5")));
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("lane=\"features[1]\",phase=\"running\"} 1"),
            HasSubstr("lane=\"features[1]\",phase=\"failed\"} 0"),
            HasSubstr("streamml_model_examples_total{job=\"fraud\",model=\"risk\",lane=\"features["
                      "1]\"} 42"),
            HasSubstr("metric=\"logloss\"} 0.5"),
            HasSubstr("streamml_worker_epoch{job=\"fraud\"} 7"), HasSubstr("worker=\"w\\\"0\""),
            HasSubstr("streamml_worker_ready 1")));
  EXPECT_THAT(text, Not(HasSubstr("lag")));
  EXPECT_THAT(text, Not(HasSubstr("auc")));
}

TEST(MetricsTextTest, TellsOfTrainersByModel) {
  fleet::v1::Observation seen = OneLane(fleet::v1::PHASE_RUNNING);
  EXPECT_THAT(MetricsText(seen), Not(HasSubstr("trainer")));
  fleet::v1::TrainerFacts& trainer = *seen.mutable_lanes(0)->mutable_trainer();
  trainer.set_model("risk");
  EXPECT_THAT(MetricsText(seen), Not(HasSubstr("trainer"))) << "nothing is known yet";
  trainer.set_lag_seconds(12.5);
  trainer.set_behind(true);
  trainer.set_ceiling_rows_per_second(4000);
  EXPECT_THAT(
      MetricsText(seen),
      AllOf(HasSubstr("streamml_trainer_lag_seconds{job=\"fraud\",model=\"risk\"} 12.5"),
            HasSubstr("streamml_trainer_behind{job=\"fraud\",model=\"risk\"} 1"),
            HasSubstr(
                "streamml_trainer_ceiling_rows_per_second{job=\"fraud\",model=\"risk\"} 4000")));
}

TEST(MetricsTextTest, HasLagSnapshotStateAndStoreOnceTheyAreKnown) {
  fleet::v1::Observation seen = OneLane(fleet::v1::PHASE_RUNNING);
  fleet::v1::LaneFacts& lane = *seen.mutable_lanes(0);
  EXPECT_THAT(MetricsText(seen), Not(HasSubstr("_store_")));
  lane.set_lag_rows(0);
  lane.set_lag_seconds(1.5);
  lane.set_snapshot_position(40);
  lane.set_state_entries(12);
  lane.set_claimed_epoch(6);
  lane.mutable_store()->set_num_pending(2);
  lane.mutable_store()->set_pending_seconds(75);
  lane.mutable_store()->set_problem("no answer");
  const std::string text = MetricsText(seen);
  const std::string labels = "{job=\"fraud\",lane=\"features[1]\"} ";
  for (const char* expected : {"lag_rows|0", "lag_seconds|1.5", "snapshot_position|40",
                               "state_entries|12", "claimed_epoch|6", "store_pending_snapshots|2",
                               "store_pending_seconds|75", "store_failing|1"}) {
    const std::string line = expected;
    const size_t bar = line.find('|');
    EXPECT_THAT(text, HasSubstr("streamml_lane_" + line.substr(0, bar) + labels +
                                line.substr(bar + 1) + "\n"));
  }
}

TEST(ReadinessTest, NamesTheLanesThatAreNotUp) {
  EXPECT_TRUE(ReadinessOf(fleet::v1::Observation()).ready) << "it can be given an assignment";
  EXPECT_TRUE(ReadinessOf(OneLane(fleet::v1::PHASE_RUNNING)).ready);
  fleet::v1::Observation seen = OneLane(fleet::v1::PHASE_WAITING);
  seen.mutable_lanes(0)->mutable_problem()->set_message("no broker answers");
  EXPECT_FALSE(ReadinessOf(seen).ready);
  EXPECT_EQ(ReadinessOf(seen).text, "lane features[1]: waiting: no broker answers\n");
  EXPECT_FALSE(ReadinessOf(OneLane(fleet::v1::PHASE_FOLLOWING)).ready) << "it has not caught up";
  seen = OneLane(fleet::v1::PHASE_RUNNING);
  seen.set_state(fleet::v1::WORKER_STATE_DRAINING);
  EXPECT_FALSE(ReadinessOf(seen).ready);
}

// On this machine's own loopback, with a port that was free.
class EndpointsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto endpoints = Endpoints::Start("127.0.0.1:0", [this] { return seen_; });
    ASSERT_TRUE(endpoints.ok()) << endpoints.status();
    endpoints_ = *std::move(endpoints);
  }
  struct Reply {
    int status = 0;
    std::string body;
  };
  Reply Ask(const std::string& method, const std::string& path) {
    const std::string& address = endpoints_->address();
    const int port = std::stoi(address.substr(address.rfind(':') + 1));
    char error[200] = "";
    mg_connection* connection = mg_download("127.0.0.1", port, 0, error, sizeof(error),
                                            "%s %s HTTP/1.0\r\n\r\n", method.c_str(), path.c_str());
    EXPECT_NE(connection, nullptr) << error;
    if (connection == nullptr) return {};
    Reply reply;
    reply.status = mg_get_response_info(connection)->status_code;
    char buffer[4096];
    for (int size = 0; (size = mg_read(connection, buffer, sizeof(buffer))) > 0;) {
      reply.body.append(buffer, static_cast<size_t>(size));
    }
    mg_close_connection(connection);
    return reply;
  }

  fleet::v1::Observation seen_ = OneLane(fleet::v1::PHASE_RUNNING);
  std::unique_ptr<Endpoints> endpoints_;
};

TEST_F(EndpointsTest, AnswerProbesAndPrometheus) {
  EXPECT_EQ(Ask("GET", "/healthz").body, "ok\n");
  EXPECT_EQ(Ask("GET", "/readyz").status, 200);
  EXPECT_THAT(Ask("GET", "/metrics").body, HasSubstr("streamml_worker_info"));
  EXPECT_EQ(Ask("GET", "/").status, 404);
  EXPECT_EQ(Ask("GET", "/../etc/passwd").status / 100, 4);
  EXPECT_EQ(Ask("POST", "/metrics").status, 405);
  seen_ = OneLane(fleet::v1::PHASE_FAILED);
  const Reply reply = Ask("GET", "/readyz");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "lane features[1]: failed\n");
}

TEST_F(EndpointsTest, AnAddressThatIsTakenOrNoneIsRefused) {
  const auto observe = [] { return fleet::v1::Observation(); };
  EXPECT_EQ(Endpoints::Start(endpoints_->address(), observe).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(Endpoints::Start("9090", observe).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace streamml::control
