#include "worker/connectors/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace streamml::connectors {
namespace {

constexpr size_t kValid = std::string_view::npos;

TEST(Utf8Test, WellFormedTextIsAccepted) {
  EXPECT_EQ(FindInvalidUtf8(""), kValid);
  EXPECT_EQ(FindInvalidUtf8("plain text of more than eight bytes"), kValid);
  EXPECT_EQ(FindInvalidUtf8("ä€\xF0\x9F\x98\x80\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"), kValid);
}

TEST(Utf8Test, TheFirstBadByteIsFound) {
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3\x28"}) {
    for (const size_t before : {0, 3, 8, 13}) {
      const std::string text = std::string(before, 'x') + bad;
      EXPECT_EQ(FindInvalidUtf8(text), before) << text;
      EXPECT_EQ(FindInvalidUtf8(text + "followed by ASCII"), before) << text;
    }
  }
}

TEST(Utf8Test, BytesThatAreNoneAreShownAsHexadecimal) {
  EXPECT_EQ(ShowAsUtf8("plain 'caf\xC3\xA9'"), "plain 'caf\xC3\xA9'");
  EXPECT_EQ(ShowAsUtf8("caf\xE9.jsonl"), "caf\\xe9.jsonl");
  EXPECT_EQ(ShowAsUtf8("\xFF\xC3\xA9\xC3"), "\\xff\xC3\xA9\\xc3");
}

TEST(Utf8Test, APrefixNeverEndsWithinACharacter) {
  const std::string_view text = "a€b";
  EXPECT_EQ(Utf8Prefix(text, 9), text);
  EXPECT_EQ(Utf8Prefix(text, 4), "a€");
  EXPECT_EQ(Utf8Prefix(text, 3), "a");
  EXPECT_EQ(Utf8Prefix(text, 2), "a");
  EXPECT_EQ(Utf8Prefix(text, 0), "");
  EXPECT_EQ(Utf8Prefix("\x80\x80\x80\x80\x80\x80", 5).size(), 2U);
}

}  // namespace
}  // namespace streamml::connectors
