// Planning as far as it goes without brokers.
#include "worker/main/jobs.h"

#include "base/posix_disk.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace streamml::worker {
namespace {

using ::testing::HasSubstr;

constexpr const char* kManifest = R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: tiny}
spec:
  clusters: [{name: main, kafka: {brokers: "127.0.0.1:1"}}]
  log: {cluster: main, partitions: 2}
  sources:
  - {name: events, file: events.jsonl, format: json, columns: [{name: id, type: text}]}
  sinks: [{name: out, from: evnts, topic: out, cluster: main}]
)";

class JobsTest : public testing::Test {
 protected:
  const std::unique_ptr<Disk> disk_ = MakePosixDisk();
  const std::unique_ptr<control::JobMaker> jobs_ = MakeJobs(JobsOptions(), *disk_);
};

TEST_F(JobsTest, MistakesAreToldWithTheirPlaces) {
  fleet::v1::PlanRequest request;
  request.set_manifest(kManifest);
  auto reply = jobs_->Plan(request);
  ASSERT_TRUE(reply.ok()) << reply.status();
  ASSERT_EQ(reply->mistakes_size(), 1);
  EXPECT_EQ(reply->mistakes(0).line(), 9u);
  EXPECT_EQ(reply->mistakes(0).column(), 29u);
  EXPECT_EQ(reply->mistakes(0).path(), "spec.sinks[out].from");
  EXPECT_THAT(reply->mistakes(0).message(), HasSubstr("no relation 'evnts'"));
  EXPECT_THAT(reply->mistakes(0).text(), HasSubstr("job.yaml:9:29: spec.sinks[out].from: "));
  EXPECT_EQ(reply->lanes_size(), 0);
}

TEST_F(JobsTest, FilesAreNotForSeveralWorkers) {
  fleet::v1::PlanRequest request;
  std::string text = kManifest;
  text.replace(text.find("evnts"), 5, "events");
  request.set_manifest(text);
  request.set_file_name("mine.yaml");
  const auto reply = jobs_->Plan(request);
  ASSERT_TRUE(reply.ok());
  ASSERT_EQ(reply->mistakes_size(), 1);
  EXPECT_EQ(reply->mistakes(0).path(), "spec.sources[events].file");
  EXPECT_THAT(reply->mistakes(0).text(), HasSubstr("mine.yaml:8:"));
  EXPECT_EQ(jobs_->Open({}, text).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace streamml::worker
