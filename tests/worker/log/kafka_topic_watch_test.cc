#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/log/kafka/internal/topic_watch.h"

namespace streamml::log::internal {
namespace {

using testing::HasSubstr;

const TopicDescription kFirst = {"cluster", "id-1", 3};

TEST(CompareTopicTest, WhatIsAsItWasAndWhatCannotBeAskedIsNoTrouble) {
  EXPECT_TRUE(CompareTopic("t", kFirst, kFirst).ok());
  EXPECT_TRUE(CompareTopic("t", kFirst, absl::UnavailableError("no answer")).ok());
  EXPECT_TRUE(CompareTopic("t", kFirst, absl::PermissionDeniedError("not any more")).ok());
  EXPECT_TRUE(CompareTopic("t", {"cluster", "", 3}, kFirst).ok());  // old brokers have no ids
}

TEST(CompareTopicTest, EachChangeIsAnErrorOfItsOwn) {
  EXPECT_TRUE(absl::IsNotFound(CompareTopic("t", kFirst, absl::NotFoundError("unknown"))));
  const absl::Status other = CompareTopic("t", kFirst, TopicDescription{"cluster", "id-2", 4});
  EXPECT_TRUE(absl::IsDataLoss(other));
  EXPECT_THAT(other.message(), HasSubstr("made again (its id was id-1 and is id-2)"));
  const absl::Status grown = CompareTopic("t", kFirst, TopicDescription{"cluster", "id-1", 4});
  EXPECT_TRUE(absl::IsFailedPrecondition(grown));
  EXPECT_THAT(grown.message(), HasSubstr("has 4 partitions and had 3"));
}

}  // namespace
}  // namespace streamml::log::internal
