#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "worker/log/kafka/internal/group_offsets.h"

namespace streamml::log::internal {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr int64_t kNeverUs = 3'600'000'000;

TEST(GroupOffsetsTest, TheLastOffsetOfEachPartitionIsToldAtTheEnd) {
  std::vector<PartitionOffsets> sent;
  {
    GroupOffsets offsets(
        [&sent](const PartitionOffsets& news) {
          sent.push_back(news);
          return absl::UnavailableError("nobody is there");  // is nobody's error
        },
        kNeverUs);
    for (uint64_t offset = 1; offset <= 1000; ++offset) offsets.Note("t", 1, offset);
    offsets.Note("t", 0, 7);
  }
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(sent[0], ElementsAre(Pair(Pair("t", 0), 7), Pair(Pair("t", 1), 1000)));
}

TEST(GroupOffsetsTest, WithoutNewsNothingIsSent) {
  int times = 0;
  {
    GroupOffsets offsets(
        [&times](const PartitionOffsets&) {
          ++times;
          return absl::OkStatus();
        },
        1);
  }
  EXPECT_EQ(times, 0);
}

}  // namespace
}  // namespace streamml::log::internal
