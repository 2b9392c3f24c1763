#include "worker/cli/terminal.h"

#include "gtest/gtest.h"

namespace streamml::cli {
namespace {

TEST(TerminalTest, ShortTextIsNotCut) { EXPECT_EQ(CutToWidth("abc", 3), "abc"); }

TEST(TerminalTest, LongTextIsCutByCodePoints) {
  EXPECT_EQ(CutToWidth("abcdef", 4), "abcd");
  EXPECT_EQ(CutToWidth("\xC3\xA9\xC3\xA9\xC3\xA9", 2), "\xC3\xA9\xC3\xA9");
}

TEST(TerminalTest, ColourTakesNoWidthAndEndsWhereTheTextIsCut) {
  EXPECT_EQ(CutToWidth("\x1b[1mabc\x1b[0mdef", 4), "\x1b[1mabc\x1b[0md\x1b[0m");
  EXPECT_EQ(CutToWidth("\x1b[1mabcdef", 2), "\x1b[1mab\x1b[0m");
}

}  // namespace
}  // namespace streamml::cli
