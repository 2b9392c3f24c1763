// Snapshots on demand over real gRPC, of workers whose lanes are faked.
#include "worker/cluster/snapshots.h"

#include <memory>

#include "absl/log/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/model_disk.h"
#include "tests/support/temporary_folder.h"
#include "tests/worker/control/fake_jobs.h"
#include "worker/control/server.h"

namespace streamml::cluster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A worker with one lane, which it runs.
class FakeWorker {
 public:
  FakeWorker(const std::string& folder, const std::string& name, uint32_t lane) : name_(name) {
    CHECK(disk_.MakeDirectories("data").ok());
    control::WorkerOptions options;
    options.info.set_name(name);
    options.assignment_path = "data/assignment";
    worker_ = *control::Worker::Make(options, jobs_, disk_, SystemClock());
    server_ = *control::FleetServer::Start({"unix:" + folder + "/" + name, {}}, *worker_);
    CHECK(worker_->Assign(control::FakeAssignment(1, name, {{lane, true}})).ok());
  }
  control::FakeJobs& jobs() { return jobs_; }
  void AddTo(fleet::v1::StatusReply& status) {
    fleet::v1::WorkerStatus& out = *status.add_workers();
    out.set_name(name_);
    out.set_address(server_->address());
    uint64_t note = 0;
    *out.mutable_observation() = worker_->Observe(note);
  }

 private:
  const std::string name_;
  support::ModelDisk disk_;
  control::FakeJobs jobs_;
  std::unique_ptr<control::Worker> worker_;
  std::unique_ptr<control::FleetServer> server_;
};

TEST(SnapshotsTest, AreTakenByWhoRunsTheLanesAndOthersAreNamed) {
  const support::TemporaryFolder folder;
  FakeWorker first(folder.path(), "worker-0", 2);
  FakeWorker second(folder.path(), "worker-1", 0);
  FakeWorker third(folder.path(), "worker-2", 1);
  first.jobs().SetSnapshots(std::vector<lane::LaneSnapshot>{{2, 70}});
  second.jobs().SetSnapshots(std::vector<lane::LaneSnapshot>{{0, 50}});
  third.jobs().SetSnapshots(absl::UnavailableError("the disk is slow"));
  fleet::v1::StatusReply status;
  status.set_num_lanes(4);
  first.AddTo(status);
  second.AddTo(status);
  third.AddTo(status);
  const fleet::v1::TakeSnapshotsReply reply = TakeSnapshots(status, {});
  ASSERT_EQ(reply.snapshots_size(), 2);
  EXPECT_EQ(reply.snapshots(0).lane(), 0u);
  EXPECT_EQ(reply.snapshots(0).name(), "source[0]");
  EXPECT_EQ(reply.snapshots(0).worker(), "worker-1");
  EXPECT_EQ(reply.snapshots(0).position(), 50u);
  EXPECT_EQ(reply.snapshots(1).position(), 70u);
  EXPECT_THAT(reply.problems(), ElementsAre(HasSubstr("worker-2: the disk is slow"),
                                            HasSubstr("lane 3 runs nowhere")));
}

}  // namespace
}  // namespace streamml::cluster
