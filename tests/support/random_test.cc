#include "tests/support/random.h"

#include <gtest/gtest.h>

#include <vector>

namespace streamml::support {
namespace {

// Computed with an independent program from the two published algorithms.
TEST(Random, SeedGivesThePublishedSequence) {
  Random random(0);
  EXPECT_EQ(random.Next(), 0x99EC5F36CB75F2B4U);
  EXPECT_EQ(random.Next(), 0xBF6E1F784956452AU);
  EXPECT_EQ(random.Next(), 0x1A5F849D4933E6E0U);
}

TEST(Random, BelowReachesEveryValueAndNoOther) {
  Random random(7);
  std::vector<int> counts(10);
  for (int i = 0; i < 10000; ++i) ++counts.at(random.Below(10));
  for (const int count : counts) EXPECT_GT(count, 800);
}

TEST(Random, BetweenIncludesBothEnds) {
  Random random(8);
  bool low = false;
  bool high = false;
  for (int i = 0; i < 1000; ++i) {
    const int64_t value = random.Between(-2, 1);
    ASSERT_GE(value, -2);
    ASSERT_LE(value, 1);
    low = low || value == -2;
    high = high || value == 1;
  }
  EXPECT_TRUE(low && high);
}

TEST(Random, UnitStaysBelowOne) {
  Random random(9);
  double sum = 0;
  for (int i = 0; i < 1000; ++i) {
    const double value = random.Unit();
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    sum += value;
  }
  EXPECT_NEAR(sum / 1000, 0.5, 0.05);
}

}  // namespace
}  // namespace streamml::support
