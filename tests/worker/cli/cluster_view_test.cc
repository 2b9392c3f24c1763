#include "worker/cli/cluster_view.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "worker/data/batch.h"

namespace streamml::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

fleet::v1::LaneFacts& AddLane(fleet::v1::WorkerStatus& worker, uint32_t number,
                              fleet::v1::Phase phase, uint64_t rows) {
  fleet::v1::LaneFacts& lane = *worker.mutable_observation()->add_lanes();
  lane.set_lane(number);
  lane.set_name("payments[" + std::to_string(number) + "]");
  lane.set_phase(phase);
  lane.set_rows_read(rows);
  lane.set_reads_source(true);
  lane.set_journal_position(rows);
  lane.set_watermark_us(1'772'323'200'000'000 + static_cast<int64_t>(number));
  return lane;
}

// Lane 0 runs at worker-0, worker-1 follows it and runs lane 1.
fleet::v1::StatusReply TwoWorkers() {
  fleet::v1::StatusReply status;
  status.set_job("fraud");
  status.set_epoch(7);
  status.set_wanted_workers(2);
  status.set_num_lanes(2);
  status.set_settled(true);
  fleet::v1::WorkerStatus& first = *status.add_workers();
  first.set_name("worker-0");
  first.set_pid(11);
  first.set_state("up");
  fleet::v1::LaneFacts& lane = AddLane(first, 0, fleet::v1::PHASE_RUNNING, 1000);
  lane.set_rows_per_second(400);
  lane.set_busy(0.5);
  fleet::v1::WorkerStatus& second = *status.add_workers();
  second.set_name("worker-1");
  second.set_pid(12);
  second.set_state("up");
  second.set_restarts(1);
  AddLane(second, 0, fleet::v1::PHASE_FOLLOWING, 1001);
  AddLane(second, 1, fleet::v1::PHASE_RUNNING, 234);
  return status;
}

std::string Text(const fleet::v1::StatusReply& status) {
  std::string text;
  for (const std::string& line : ClusterBlock(status, 12)) text += line + "\n";
  return text;
}

TEST(ClusterViewTest, CountsEachLaneOnceAtItsOwner) {
  const std::string text = Text(TwoWorkers());
  EXPECT_THAT(text, AllOf(HasSubstr("fraud  running 12.0 s  2 workers, epoch 7, settled\n"),
                          HasSubstr("rows       1,234  (400 rows/s)"),
                          HasSubstr("watermark  2026-03-01 00:00:00")));
  EXPECT_THAT(text, AllOf(HasSubstr("worker-0   pid 11      up       1 lane  400 rows/s"),
                          HasSubstr("busiest lane 50 %"),
                          HasSubstr("1 lane, follows 1  0 rows/s  busiest lane 0 %  1 restart")));
  EXPECT_THAT(ClusterLine(TwoWorkers()),
              HasSubstr("fraud: 1234 rows, 400 rows/s, watermark 2026-03-01 00:00:00, 0 late, 0 "
                        "dead, lag -; 2 of 2 workers up, settled"));
}

TEST(ClusterViewTest, SaysHowATrainerKeepsUp) {
  fleet::v1::StatusReply status = TwoWorkers();
  fleet::v1::TrainerFacts& trainer =
      *status.mutable_workers(1)->mutable_observation()->mutable_lanes(1)->mutable_trainer();
  trainer.set_model("risk");
  EXPECT_THAT(Text(status), HasSubstr("  trainer    of risk: lag not known\n"));
  trainer.set_lag_seconds(0.25);
  trainer.set_ceiling_rows_per_second(4000.4);
  EXPECT_THAT(Text(status),
              HasSubstr("of risk: 0.2 s behind, learns at most about 4,000 rows/s\n"));
  EXPECT_THAT(ClusterLine(status), Not(HasSubstr("risk")));
  trainer.set_lag_seconds(75);
  trainer.set_behind(true);
  EXPECT_THAT(Text(status), HasSubstr("of risk: TrainerBehind: "));
  EXPECT_THAT(ClusterLine(status), HasSubstr("; risk TrainerBehind: "));
}

TEST(ClusterViewTest, WhatIsNotKnownOrInTroubleIsShown) {
  fleet::v1::StatusReply status;
  status.set_job("fraud");
  status.set_wanted_workers(1);
  EXPECT_THAT(Text(status),
              AllOf(HasSubstr("1 worker, epoch 0, starting"), HasSubstr("watermark  -")));
  status = TwoWorkers();
  status.set_settled(false);
  fleet::v1::LaneFacts& lane = *status.mutable_workers(1)->mutable_observation()->mutable_lanes(1);
  lane.set_phase(fleet::v1::PHASE_FAILED);
  lane.mutable_problem()->set_message("journal at 17: torn");
  EXPECT_THAT(Text(status), AllOf(HasSubstr("lanes are moving, 1 of 2 run"),
                                  HasSubstr("    lane payments[1]: journal at 17: torn")));
}

TEST(ClusterViewTest, LagThatIsNotKnownIsNotZero) {
  fleet::v1::StatusReply status = TwoWorkers();
  EXPECT_THAT(Text(status), HasSubstr("  lag        -\n"));
  fleet::v1::LaneFacts& first = *status.mutable_workers(0)->mutable_observation()->mutable_lanes(0);
  first.set_lag_rows(1500);
  first.set_lag_seconds(2.5);
  EXPECT_THAT(Text(status),
              HasSubstr("  lag        1,500 rows, the oldest 2.5 s (payments[0]), not "
                        "known of 1 lane\n"));
  fleet::v1::LaneFacts& second =
      *status.mutable_workers(1)->mutable_observation()->mutable_lanes(1);
  second.set_lag_rows(0);
  second.set_lag_seconds(0);
  EXPECT_THAT(Text(status), HasSubstr("lag        1,500 rows, the oldest 2.5 s (payments[0])\n"));
  EXPECT_THAT(ClusterLine(status), HasSubstr("lag 1,500 rows"));
}

TEST(ClusterViewTest, EachLaneOfEachWorkerHasALine) {
  fleet::v1::StatusReply status = TwoWorkers();
  fleet::v1::LaneFacts& first = *status.mutable_workers(0)->mutable_observation()->mutable_lanes(0);
  first.set_snapshot_position(990);
  first.set_lag_rows(7);
  first.set_lag_seconds(0.25);
  first.set_state_entries(31);
  first.set_oldest_replayable(120);
  const std::vector<std::string> lines = ClusterLanes(status);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_THAT(lines[0], HasSubstr("lag rows"));
  EXPECT_EQ(lines[1],
            "  payments[0]          worker-0   running           120       1000        990         "
            " 7      0.2  "
            "      400   50%         31");
  EXPECT_THAT(
      lines[2],
      AllOf(HasSubstr("worker-1   following           -       1001          -          -")));
}

TEST(ClusterViewTest, WhatTheStoreLacksIsShown) {
  fleet::v1::StatusReply status = TwoWorkers();
  EXPECT_THAT(Text(status), testing::Not(HasSubstr("store")));
  fleet::v1::StoreFacts& store =
      *status.mutable_workers(0)->mutable_observation()->mutable_lanes(0)->mutable_store();
  EXPECT_THAT(Text(status), HasSubstr("  store      has the newest snapshots\n"));
  store.set_num_pending(3);
  store.set_pending_seconds(75);
  store.set_problem("no answer");
  EXPECT_THAT(Text(status),
              HasSubstr("  store      lacks snapshots of 1 lane for 1m 15s: no answer\n"));
}

}  // namespace
}  // namespace streamml::cli
