#include "worker/cli/slow_note.h"

#include "gtest/gtest.h"

namespace streamml::cli {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;

TEST(SlowNoteTest, WhatIsQuickIsNotTalkedAbout) {
  testing::internal::CaptureStderr();
  {
    const SlowNote note("waiting", kHourUs);
  }  // and it does not wait for its time
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace streamml::cli
