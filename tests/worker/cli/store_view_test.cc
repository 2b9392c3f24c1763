#include "worker/cli/store_view.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace streamml::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

lane::LaneProgress Lane(uint64_t num_pending, int64_t since_us, const std::string& problem) {
  lane::LaneProgress lane;
  lane.uploads = state::UploadStatus{num_pending, since_us, problem, 0, std::nullopt};
  return lane;
}

TEST(StoreViewTest, SaysWhatTheStoreLacksAndForHowLong) {
  EXPECT_FALSE(StoreTotalsOf({lane::LaneProgress()}, 0).is_there);
  EXPECT_EQ(StoreText(StoreTotalsOf({Lane(0, 0, "")}, 0)), "has the newest snapshots");
  EXPECT_EQ(
      StoreText(StoreTotalsOf(
          {Lane(2, 9'000'000, ""), Lane(1, 4'000'000, "no answer"), Lane(0, 0, "")}, 10'000'000)),
      "lacks snapshots of 2 lanes for 6.0 s: no answer");
}

TEST(StoreViewTest, TroubleIsToldOnceAndSoIsItsEnd) {
  StoreNews news;
  const state::UploadStatus fine{1, 0, "", 0, std::nullopt};
  const state::UploadStatus away{3, 0, "no answer", 0, std::nullopt};
  EXPECT_EQ(news.Take({fine, std::nullopt}), "");
  EXPECT_THAT(news.Take({fine, away}),
              AllOf(HasSubstr("no answer; the job goes on"), HasSubstr("of 1 lane are")));
  EXPECT_EQ(news.Take({away, away}), "");
  EXPECT_EQ(news.Take({fine, away}), "");
  EXPECT_THAT(news.Take({fine, fine}), HasSubstr("takes them again"));
  EXPECT_EQ(news.Take({fine, fine}), "");
}

}  // namespace
}  // namespace streamml::cli
