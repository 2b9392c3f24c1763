#include "worker/cli/notes.h"

#include "gmock/gmock.h"

namespace streamml::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

TEST(Notes, ThoseOfManyLanesAreOne) {
  EXPECT_THAT(
      Summarize({"lane a[0]: recovered from the snapshot at 7, 0 journal records after it",
                 "lane a[1]: recovered from the snapshot at 12, 0 journal records after it",
                 "lane b[0]: recovered from the snapshot at 3, 0 journal records after it"}),
      ElementsAre("3 lanes, a[0] to b[0]: recovered from the snapshot at 3 to 12, 0 "
                  "journal records after it"));
}

TEST(Notes, PathsAreNamedByTheFirst) {
  EXPECT_THAT(
      Summarize({"cut 10 bytes off 'x/part-00000.jsonl'", "removed 'y'",
                 "cut 12 bytes off 'x/part-00001.jsonl'", "cut 11 bytes off 'x/part-00002.jsonl'"}),
      ElementsAre("cut 10 to 12 bytes off 'x/part-00000.jsonl' and 2 more", "removed 'y'"));
}

TEST(Notes, TwoAlikeAndOthersStayAsTheyAre) {
  const std::vector<std::string> notes = {
      "lane a[0]: snapshot at 5 is damaged and is not used: 'z'", "lane a[0]: something else",
      "lane a[1]: snapshot at 5 is damaged and is not used: 'z'", "it's 12",
      "99999999999999999999999 is too much"};
  EXPECT_THAT(Summarize(notes), ElementsAreArray(notes));
  EXPECT_THAT(Summarize({}), ElementsAre());
}

}  // namespace
}  // namespace streamml::cli
