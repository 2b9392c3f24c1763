// What a worker accepts, refuses and keeps. Mutants these kill: a stale epoch accepted; an epoch
// accepted twice with other content; acting before it is kept; a drain forgotten by a restart;
// another job taken up beside the first.
#include "worker/control/worker.h"

#include <memory>
#include <thread>

#include "absl/log/check.h"
#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/model_disk.h"
#include "tests/worker/control/fake_jobs.h"
#include "worker/control/assignment_file.h"
#include "worker/control/refusal.h"

namespace streamml::control {
namespace {

using fleet::v1::Refusal;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr const char* kPath = "data/assignment";

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() { CHECK(disk_.MakeDirectories("data").ok()); }

  void Start() {
    worker_ = nullptr;
    WorkerOptions options;
    options.info.set_name("worker-0");
    options.assignment_path = kPath;
    auto worker = Worker::Make(options, jobs_, disk_, SystemClock());
    ASSERT_TRUE(worker.ok()) << worker.status();
    worker_ = *std::move(worker);
  }

  static fleet::v1::AssignRequest Request(uint64_t epoch, const std::map<uint32_t, bool>& owned) {
    return FakeAssignment(epoch, "worker-0", owned);
  }

  void ExpectRefused(const absl::Status& status, absl::StatusCode code, Refusal::Reason reason) {
    EXPECT_EQ(status.code(), code) << status;
    const auto refusal = RefusalOf(status);
    ASSERT_TRUE(refusal.has_value()) << status;
    EXPECT_EQ(refusal->reason(), reason) << status;
  }

  fleet::v1::Observation Look() {
    uint64_t note = 0;
    return worker_->Observe(note);
  }

  support::ModelDisk disk_;
  FakeJobs jobs_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(WorkerTest, DoesWhatItIsAssignedAndTellsOfIt) {
  Start();
  EXPECT_EQ(Look().state(), fleet::v1::WORKER_STATE_IDLE);
  ASSERT_TRUE(worker_->Assign(Request(3, {{0, true}, {2, false}})).ok());
  EXPECT_THAT(jobs_.roles(),
              UnorderedElementsAre(Pair(0, lane::Role::kOwn), Pair(2, lane::Role::kFollow)));
  const fleet::v1::Observation seen = Look();
  EXPECT_EQ(seen.epoch(), 3u);
  EXPECT_EQ(seen.state(), fleet::v1::WORKER_STATE_ASSIGNED);
  ASSERT_EQ(seen.lanes_size(), 2);
  EXPECT_EQ(seen.lanes(0).name(), "source[0]");
  EXPECT_TRUE(seen.lanes(0).reads_source());
  EXPECT_EQ(seen.lanes(0).phase(), fleet::v1::PHASE_RUNNING);
  EXPECT_TRUE(seen.lanes(1).caught_up());
  EXPECT_FALSE(seen.lanes(1).has_lag_rows()) << "not known is not 0";
}

TEST_F(WorkerTest, RefusesAStaleEpochAndAnotherContentOfTheSame) {
  Start();
  ASSERT_TRUE(worker_->Assign(Request(3, {{0, true}})).ok());
  const absl::Status stale = worker_->Assign(Request(2, {{0, true}}));
  ExpectRefused(stale, absl::StatusCode::kFailedPrecondition, Refusal::STALE_EPOCH);
  EXPECT_EQ(RefusalOf(stale)->epoch(), 3u);
  ExpectRefused(worker_->Assign(Request(3, {{1, true}})), absl::StatusCode::kAlreadyExists,
                Refusal::EPOCH_REUSED);
  ExpectRefused(worker_->Assign(Request(3, {{0, false}})), absl::StatusCode::kAlreadyExists,
                Refusal::EPOCH_REUSED);
  EXPECT_TRUE(worker_->Assign(Request(3, {{0, true}})).ok()) << "the same again";
  EXPECT_EQ(jobs_.epoch(), 3u);
}

TEST_F(WorkerTest, RefusesWhatIsNotMeantForIt) {
  Start();
  fleet::v1::AssignRequest other = Request(1, {});
  other.set_worker("worker-1");
  ExpectRefused(worker_->Assign(other), absl::StatusCode::kFailedPrecondition,
                Refusal::OTHER_WORKER);
  fleet::v1::AssignRequest plan = Request(1, {{0, true}});
  plan.set_job_hash(77);
  ExpectRefused(worker_->Assign(plan), absl::StatusCode::kFailedPrecondition, Refusal::OTHER_PLAN);
  ASSERT_TRUE(worker_->Assign(Request(1, {{0, true}})).ok());
  fleet::v1::AssignRequest job = Request(2, {});
  job.mutable_job()->set_identity("another");
  ExpectRefused(worker_->Assign(job), absl::StatusCode::kFailedPrecondition, Refusal::OTHER_JOB);
  EXPECT_EQ(jobs_.epoch(), 1u);
}

TEST_F(WorkerTest, MistakesOfFormAreInvalid) {
  Start();
  EXPECT_EQ(worker_->Assign(Request(0, {})).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(worker_->Assign(Request(1, {{9, true}})).code(), absl::StatusCode::kInvalidArgument);
  fleet::v1::AssignRequest request = Request(1, {{0, true}});
  request.set_manifest_hash("short");
  EXPECT_THAT(std::string(worker_->Assign(request).message()), HasSubstr("manifest_hash"));
  request = Request(1, {{0, true}});
  request.mutable_lanes(0)->set_role(static_cast<fleet::v1::Role>(9));
  EXPECT_THAT(std::string(worker_->Assign(request).message()), HasSubstr("role 9"));
  request = Request(1, {{0, true}});
  *request.add_lanes() = request.lanes(0);
  EXPECT_THAT(std::string(worker_->Assign(request).message()), HasSubstr("twice"));
  request = Request(1, {});
  request.set_manifest("");
  EXPECT_THAT(std::string(worker_->Assign(request).message()), HasSubstr("manifest: is empty"));
}

TEST_F(WorkerTest, AManifestThatItHoldsNeedNotBeSentAgain) {
  Start();
  ASSERT_TRUE(worker_->Assign(Request(1, {{0, true}})).ok());
  fleet::v1::AssignRequest request = Request(2, {{1, true}});
  request.set_manifest("");
  ASSERT_TRUE(worker_->Assign(request).ok());
  EXPECT_EQ(jobs_.num_opened(), 1) << "the lanes of before go on";
  Start();
  ASSERT_TRUE(worker_->Resume().ok());
  EXPECT_EQ(jobs_.epoch(), 2u);
}

TEST_F(WorkerTest, ARestartGoesOnWithTheLastAssignment) {
  Start();
  ASSERT_TRUE(worker_->Assign(Request(3, {{0, true}})).ok());
  disk_.Kill();
  Start();
  EXPECT_EQ(Look().epoch(), 0u) << "it does not act on it yet";
  ASSERT_TRUE(worker_->Resume().ok());
  EXPECT_EQ(Look().epoch(), 3u);
  ExpectRefused(worker_->Assign(Request(2, {})), absl::StatusCode::kFailedPrecondition,
                Refusal::STALE_EPOCH);
}

TEST_F(WorkerTest, ARestartWithoutBrokersTriesAgainAndRefusesStaleOnesMeanwhile) {
  Start();
  ASSERT_TRUE(worker_->Assign(Request(3, {{0, true}})).ok());
  Start();
  jobs_.SetOpenError(absl::UnavailableError("no brokers"));
  EXPECT_EQ(worker_->Resume().code(), absl::StatusCode::kUnavailable);
  ExpectRefused(worker_->Assign(Request(2, {})), absl::StatusCode::kFailedPrecondition,
                Refusal::STALE_EPOCH);
  jobs_.SetOpenError(absl::OkStatus());
  ASSERT_TRUE(worker_->Resume().ok());
  EXPECT_EQ(jobs_.epoch(), 3u);
}

TEST_F(WorkerTest, WhatCouldNotBeKeptIsNotDone) {
  Start();
  ASSERT_TRUE(worker_->Assign(Request(1, {{0, true}})).ok());
  disk_.SetHook([](const support::DiskOperation&) { return support::DiskAction::kFull; });
  EXPECT_EQ(worker_->Assign(Request(2, {{1, true}})).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(jobs_.epoch(), 1u);
  disk_.SetHook(nullptr);
  EXPECT_TRUE(worker_->Assign(Request(2, {{1, true}})).ok());
}

TEST_F(WorkerTest, ADamagedAssignmentIsRefusedWithTheWayOut) {
  Start();
  ASSERT_TRUE(worker_->Assign(Request(1, {{0, true}})).ok());
  const absl::StatusOr<std::string> good = ReadWhole(disk_, kPath);
  ASSERT_TRUE(good.ok());
  for (size_t i = 0; i < good->size(); ++i) {
    std::string bad = *good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    ASSERT_TRUE(disk_.Overwrite(kPath, bad).ok());
    const auto read = ReadAssignment(disk_, kPath);
    ASSERT_EQ(read.status().code(), absl::StatusCode::kDataLoss) << "byte " << i;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("remove the file"));
    ASSERT_TRUE(disk_.Overwrite(kPath, good->substr(0, i)).ok());
    ASSERT_EQ(ReadAssignment(disk_, kPath).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(WorkerTest, ADrainLetsGoAndIsRemembered) {
  Start();
  ASSERT_TRUE(worker_->Assign(Request(3, {{0, true}})).ok());
  fleet::v1::DrainRequest drain;
  *drain.mutable_job() = Request(1, {}).job();
  drain.set_epoch(2);
  ExpectRefused(worker_->Drain(drain), absl::StatusCode::kFailedPrecondition, Refusal::STALE_EPOCH);
  drain.set_epoch(3);
  ASSERT_TRUE(worker_->Drain(drain).ok());
  ASSERT_TRUE(worker_->Drain(drain).ok()) << "a second one has nothing to do";
  EXPECT_EQ(jobs_.num_stopped(), 1);
  EXPECT_EQ(Look().state(), fleet::v1::WORKER_STATE_DRAINED);
  Start();
  ASSERT_TRUE(worker_->Resume().ok());
  EXPECT_EQ(jobs_.num_opened(), 1);
  ExpectRefused(worker_->Assign(Request(3, {{0, true}})), absl::StatusCode::kFailedPrecondition,
                Refusal::STALE_EPOCH);
  EXPECT_TRUE(worker_->Assign(Request(4, {{0, true}})).ok());
  EXPECT_EQ(Look().state(), fleet::v1::WORKER_STATE_ASSIGNED);
}

TEST_F(WorkerTest, ADrainedWorkerTakesAnotherJob) {
  Start();
  ASSERT_TRUE(worker_->Assign(Request(30, {{0, true}})).ok());
  fleet::v1::DrainRequest drain;
  *drain.mutable_job() = Request(1, {}).job();
  drain.set_epoch(30);
  ASSERT_TRUE(worker_->Drain(drain).ok());
  fleet::v1::AssignRequest other = Request(1, {{0, true}});
  other.mutable_job()->set_identity("another");
  EXPECT_TRUE(worker_->Assign(other).ok());
}

TEST_F(WorkerTest, SnapshotsAreOfLanesThatRunHere) {
  Start();
  fleet::v1::SnapshotRequest request;
  *request.mutable_job() = Request(1, {}).job();
  EXPECT_EQ(worker_->Snapshot(request)->snapshots_size(), 0) << "nothing runs here";
  request.add_lanes(0);
  ExpectRefused(worker_->Snapshot(request).status(), absl::StatusCode::kFailedPrecondition,
                Refusal::NOT_OWNED);
  ASSERT_TRUE(worker_->Assign(Request(1, {{0, true}})).ok());
  jobs_.SetSnapshots(std::vector<lane::LaneSnapshot>{{0, 17}});
  const auto reply = worker_->Snapshot(request);
  ASSERT_TRUE(reply.ok()) << reply.status();
  ASSERT_EQ(reply->snapshots_size(), 1);
  EXPECT_EQ(reply->snapshots(0).lane(), 0u);
  EXPECT_EQ(reply->snapshots(0).position(), 17u);
  jobs_.SetSnapshots(absl::FailedPreconditionError("lane 0 does not run here"));
  ExpectRefused(worker_->Snapshot(request).status(), absl::StatusCode::kFailedPrecondition,
                Refusal::NOT_OWNED);
  jobs_.SetSnapshots(absl::UnavailableError("not in time"));
  EXPECT_EQ(worker_->Snapshot(request).status().code(), absl::StatusCode::kUnavailable);
  request.mutable_job()->set_identity("another");
  ExpectRefused(worker_->Snapshot(request).status(), absl::StatusCode::kFailedPrecondition,
                Refusal::OTHER_JOB);
}

TEST_F(WorkerTest, AnotherManifestHasLanesOfItsOwn) {
  Start();
  ASSERT_TRUE(worker_->Assign(Request(1, {{0, true}})).ok());
  fleet::v1::AssignRequest edited = Request(2, {{0, true}});
  edited.set_manifest("edited");
  edited.set_manifest_hash(ManifestHash("edited"));
  ASSERT_TRUE(worker_->Assign(edited).ok());
  EXPECT_EQ(jobs_.num_opened(), 2);
  EXPECT_EQ(jobs_.num_stopped(), 1);
}

TEST_F(WorkerTest, LooksGoOnWhileLanesAreLetGo) {
  Start();
  ASSERT_TRUE(worker_->Assign(Request(1, {{0, true}})).ok());
  jobs_.HoldStops();
  std::thread stopping([this] { worker_->Stop(); });
  jobs_.AwaitStop();
  EXPECT_EQ(Look().state(), fleet::v1::WORKER_STATE_DRAINING);
  EXPECT_EQ(worker_->Plan({}).status().code(), absl::StatusCode::kUnavailable);
  jobs_.Release();
  stopping.join();
  EXPECT_EQ(worker_->Assign(Request(2, {})).code(), absl::StatusCode::kUnavailable);
}

TEST_F(WorkerTest, NotesAreTakenOnceByEachAndOldOnesAreDropped) {
  Start();
  for (int i = 0; i < 130; ++i) worker_->Note(absl::StrCat("note ", i));
  uint64_t next = 0;
  const fleet::v1::Observation first = worker_->Observe(next);
  ASSERT_EQ(first.notes_size(), 100);
  EXPECT_EQ(first.notes(0), "note 30");
  EXPECT_EQ(worker_->Observe(next).notes_size(), 0);
  worker_->Note("another");
  EXPECT_EQ(worker_->Observe(next).notes(0), "another");
}

TEST(RowRatesTest, AreOverTheLastSeconds) {
  RowRates rates;
  EXPECT_EQ(rates.Note(0, 1000, 0), 0);
  EXPECT_EQ(rates.Note(0, 2000, 1'000'000), 1000);
  for (int64_t second = 2; second <= 10; ++second) rates.Note(0, 2000, second * 1'000'000);
  EXPECT_EQ(rates.Note(0, 2000, 11'000'000), 0);
  EXPECT_EQ(rates.Note(0, 500, 12'000'000), 0) << "another owner went on from an earlier state";
  EXPECT_EQ(rates.Note(0, 700, 13'000'000), 200);
}

}  // namespace
}  // namespace streamml::control
