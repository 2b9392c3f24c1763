// Files that are not there are shown where they are named.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job/manifest/manifest.h"
#include "worker/plan/plan.h"

namespace streamml::plan {
namespace {

constexpr const char* kJob = R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: tiny}
spec:
  sources:
  - name: events
    file: events.jsonl
    format: json
    columns: [{name: x, type: double precision}]
  sinks:
  - {name: out, from: events}
)";

std::string Said(const std::string& pattern) {
  FileAccess access;
  access.list = [](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
    return absl::NotFoundError("it is not there");
  };
  const auto manifest = manifest::Parse(kJob, "job.yaml");
  EXPECT_TRUE(manifest.ok()) << manifest.status();
  return std::string(MakePlan(*manifest, {{"events", {pattern}}}, access).status().message());
}

TEST(FileMistakes, TheManifestsFileIsShownAtItsValue) {
  EXPECT_EQ(Said("/home/me/events.jsonl"),
            "job.yaml:7:11: spec.sources[events].file: it is not there");
}

TEST(FileMistakes, ABoundFileIsShownAtTheSource) {
  EXPECT_EQ(Said("/home/me/other.jsonl"), "job.yaml:6:5: spec.sources[events]: it is not there");
}

}  // namespace
}  // namespace streamml::plan
