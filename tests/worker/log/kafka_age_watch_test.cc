#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "worker/log/kafka/internal/age_watch.h"

namespace streamml::log::internal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kNowMs = 1'772'323'200'000;

TEST(AgeWatchTest, ARecordOlderThanItsTopicKeepsIsToldOfOnceForEachTopic) {
  std::vector<std::string> notes;
  AgeWatch watch([&notes](const std::string& note) { notes.push_back(note); });
  watch.Add("a", 1000);
  watch.Add("b", 5000);
  watch.Look("a", kNowMs - 1000, kNowMs);
  watch.Look("b", kNowMs - 5000, kNowMs);
  watch.Look("keeps all", 0, kNowMs);
  EXPECT_THAT(notes, IsEmpty());
  for (int i = 0; i < 3; ++i) {
    watch.Look("a", kNowMs - 1001, kNowMs);
    watch.Look("b", kNowMs - 5001, kNowMs);
  }
  EXPECT_THAT(notes, ElementsAre(HasSubstr("topic 'a': a record has the time 2026-02-28T23:59:58Z"),
                                 HasSubstr("retention.ms of the topic, 5000,")));
}

}  // namespace
}  // namespace streamml::log::internal
