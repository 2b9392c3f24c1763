// Mutants these kill: a build that is proven before all lanes have moved; one that is waited for
// for ever; old names used again for another program; an old outcome told of a new attempt.
#include "worker/cluster/builds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace streamml::cluster {
namespace {

using ::testing::HasSubstr;

TEST(BuildsTest, ABuildOnWhichAllLanesRunIsProven) {
  Builds builds("old");
  EXPECT_EQ(builds.NameOf(1), "worker-1");
  EXPECT_FALSE(builds.Look(true, "", 5)) << "nothing was asked for";
  builds.Begin("new", 10);
  EXPECT_EQ(builds.program(), "new");
  EXPECT_EQ(builds.NameOf(1), "worker-1-r1");
  EXPECT_FALSE(builds.Look(false, "", 20));
  EXPECT_TRUE(builds.under_way());
  EXPECT_TRUE(builds.Look(true, "", 30));
  EXPECT_FALSE(builds.under_way());
  EXPECT_FALSE(builds.was_taken_back());
  EXPECT_EQ(builds.NameOf(1), "worker-1-r1");
  EXPECT_FALSE(builds.Look(false, "a lane has failed", 40)) << "it is the one that is proven now";
}

TEST(BuildsTest, WhatHasTroubleOrTakesTooLongIsTakenBack) {
  for (const bool has_trouble : {true, false}) {
    Builds builds("old");
    builds.Begin("new", 10);
    EXPECT_FALSE(builds.Look(false, "", kProveUs + 9));
    EXPECT_TRUE(builds.Look(false, has_trouble ? "it plans otherwise" : "", kProveUs + 10));
    EXPECT_TRUE(builds.was_taken_back());
    EXPECT_THAT(builds.outcome(), HasSubstr(has_trouble ? "it plans otherwise" : "after 60 s"));
    EXPECT_EQ(builds.program(), "old");
    EXPECT_EQ(builds.NameOf(0), "worker-0");
  }
}

TEST(BuildsTest, TheNextAttemptHasNewNamesAndNoOutcomeYet) {
  Builds builds("old");
  builds.Begin("bad", 10);
  EXPECT_TRUE(builds.Look(false, "it ends again and again", 20));
  builds.Begin("good", 30);
  EXPECT_EQ(builds.NameOf(0), "worker-0-r2");
  EXPECT_EQ(builds.num_begun(), 2u);
  EXPECT_EQ(builds.outcome(), "");
  EXPECT_FALSE(builds.was_taken_back());
  EXPECT_TRUE(builds.Look(true, "", 40));
  builds.Begin("bad", 50);
  EXPECT_TRUE(builds.Look(false, "it ends again and again", 60));
  EXPECT_EQ(builds.program(), "good") << "the last that was proven";
}

}  // namespace
}  // namespace streamml::cluster
