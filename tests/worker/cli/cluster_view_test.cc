#include "worker/cli/cluster_view.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "worker/data/batch.h"

namespace streamml::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

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
                        "dead; 2 of 2 workers up, settled"));
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

}  // namespace
}  // namespace streamml::cli
