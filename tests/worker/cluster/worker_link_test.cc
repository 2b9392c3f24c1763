// Assignments on their way to a worker, over real gRPC. Mutants these kill: one that was refused
// for a reason that has passed is never sent again; one that can never be accepted is sent for
// ever.
#include "worker/cluster/worker_link.h"

#include <memory>
#include <string>

#include "absl/log/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/model_disk.h"
#include "tests/support/temporary_folder.h"
#include "tests/worker/control/fake_jobs.h"
#include "worker/control/assignment_file.h"
#include "worker/control/server.h"

namespace streamml::cluster {
namespace {

using ::testing::HasSubstr;

class WorkerLinkTest : public testing::Test {
 protected:
  WorkerLinkTest() {
    CHECK(disk_.MakeDirectories("data").ok());
    control::WorkerOptions options;
    options.info.set_name("worker");
    options.assignment_path = "data/assignment";
    worker_ = *control::Worker::Make(options, jobs_, disk_, SystemClock());
    server_ = *control::FleetServer::Start({"unix:" + folder_.path() + "/worker", {}}, *worker_);
    link_ = WorkerLink::Open(server_->address(), bell_, /*send_retry_us=*/1000);
  }

  static fleet::v1::AssignRequest Request(uint64_t epoch, const std::string& worker) {
    return control::FakeAssignment(epoch, worker, {{0, true}});
  }
  // Until the link tells of one.
  absl::Status AwaitRefusal() {
    while (true) {
      absl::Status refusal = link_->TakeRefusal();
      if (!refusal.ok()) return refusal;
      bell_.Wait(10'000);
    }
  }
  void AwaitEpoch(uint64_t epoch) {
    while (jobs_.epoch() != epoch) bell_.Wait(10'000);
  }

  const support::TemporaryFolder folder_;
  support::ModelDisk disk_;
  control::FakeJobs jobs_;
  Bell bell_;
  std::unique_ptr<control::Worker> worker_;
  std::unique_ptr<control::FleetServer> server_;
  std::unique_ptr<WorkerLink> link_;
};

TEST_F(WorkerLinkTest, WhatMayPassIsTriedAgain) {
  for (const absl::Status& trouble : {absl::ResourceExhaustedError("the disk is full"),
                                      absl::PermissionDeniedError("no right to the topic"),
                                      absl::InvalidArgumentError("no such topic yet")}) {
    jobs_.SetOpenError(trouble);
    const uint64_t epoch = jobs_.epoch() + 1;
    fleet::v1::AssignRequest request = Request(epoch, "worker");
    request.set_manifest("text " + std::to_string(epoch));  // so that it is opened
    request.set_manifest_hash(control::ManifestHash(request.manifest()));
    link_->Send(request);
    EXPECT_THAT(std::string(AwaitRefusal().message()), HasSubstr(trouble.message()));
    jobs_.SetOpenError(absl::OkStatus());
    AwaitEpoch(epoch);
  }
}

TEST_F(WorkerLinkTest, WhatCanNeverBeAcceptedIsNot) {
  link_->Send(Request(1, "somebody else"));
  EXPECT_THAT(std::string(AwaitRefusal().message()), HasSubstr("somebody else"));
  link_->Send(Request(2, "worker"));  // there is room for it
  AwaitEpoch(2);
  link_->Send(Request(1, "worker"));
  EXPECT_THAT(std::string(AwaitRefusal().message()), HasSubstr("not above 2"));
  EXPECT_EQ(link_->known_epoch(), 2u);
}

}  // namespace
}  // namespace streamml::cluster
