// What is said when a journal was written by another job.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/internal/claim_difference.h"
#include "worker/lane/replay.h"

namespace streamml::lane {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LaneSpec Spec() {
  LaneSpec spec;
  spec.name = "events[0]";
  spec.parts = {{"sources[events]", "#1"},
                {"views[features]", "#2"},
                {"sinks[new]", "#3"},
                {"partitions of source events", "4"}};
  return spec;
}

journal::v1::JournalRecord Record() {
  journal::v1::JournalRecord record;
  journal::v1::Claim& claim = *record.mutable_claim();
  claim.set_job_hash(1);
  const std::vector<JobPart> parts = {{"sources[events]", "#1"},
                                      {"views[features]", "#1"},
                                      {"sinks[old]", "#3"},
                                      {"partitions of source events", "3"}};
  for (const JobPart& part : parts) {
    journal::v1::JobPart& out = *claim.add_parts();
    out.set_name(part.name);
    out.set_value(part.value);
  }
  return record;
}

TEST(ClaimDifferenceTest, EachPartThatDiffersIsNamed) {
  EXPECT_THAT(internal::Differences(Spec(), Record().claim()),
              ElementsAre("views[features] is not what it was", "sinks[new] is new",
                          "partitions of source events: 3 then, 4 now", "sinks[old] is gone"));
}

TEST(ClaimDifferenceTest, InputFilesAreNamedWithoutTheirFolder) {
  LaneSpec spec;
  spec.files = {{0, "/now/a.jsonl", 1, {}}, {1, "/now/c.jsonl", 1, {}}};
  journal::v1::Claim claim;
  claim.add_files()->set_path("/then/a.jsonl");
  claim.add_files()->set_path("/then/b.jsonl");
  EXPECT_THAT(internal::Differences(spec, claim),
              ElementsAre("input file 'c.jsonl' is new", "input file 'b.jsonl' is gone"));
}

TEST(ClaimDifferenceTest, ManyAreCounted) {
  LaneSpec spec;
  for (int i = 0; i < 20; ++i) spec.files.push_back({0, absl::StrCat(i, ".jsonl"), 1, {}});
  const std::vector<std::string> differences = internal::Differences(spec, {});
  ASSERT_EQ(differences.size(), 12u);
  EXPECT_EQ(differences.back(), "and 9 more");
}

TEST(ClaimDifferenceTest, AClaimThatDoesNotSaySoMuchIsNotComparedWithIt) {
  journal::v1::Claim claim;
  EXPECT_THAT(internal::Differences(Spec(), claim), IsEmpty());
}

TEST(CheckClaimTest, TheMessageSaysWhatDiffersAndTheWayOut) {
  const absl::Status status = CheckClaim(Spec(), 2, Record());
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("what differs: views[features] is not what it was; "),
                    HasSubstr("partitions of source events: 3 then, 4 now"),
                    HasSubstr("start over under another name (metadata.name or spec.identity)")));
  EXPECT_TRUE(CheckClaim(Spec(), 1, Record()).ok());
}

}  // namespace
}  // namespace streamml::lane
