// Text functions, LIKE and casts against what PostgreSQL answers (C.UTF-8, UTC).
#include <gtest/gtest.h>

#include <limits>

#include "tests/worker/operators/expressions.h"

namespace streamml::operators {
namespace {

using data::Type;

std::string TextOf(Function function, std::vector<Expression> arguments) {
  return ValueOf(Call(function, Type::kText, std::move(arguments)));
}

TEST(Evaluate, MapsLettersOfAllScripts) {
  EXPECT_EQ(TextOf(Function::kLower, {Text("ABC xyz-9")}), "'abc xyz-9'");
  EXPECT_EQ(TextOf(Function::kUpper, {Text("abc XYZ-9")}), "'ABC XYZ-9'");
  EXPECT_EQ(TextOf(Function::kLower, {Text("ÄÖÜ ÇŁŸ ΣΩ ЖЯ")}), "'äöü çłÿ σω жя'");
  EXPECT_EQ(TextOf(Function::kUpper, {Text("äöü çłÿ ςω жя µ")}), "'ÄÖÜ ÇŁŸ ΣΩ ЖЯ Μ'");
  EXPECT_EQ(TextOf(Function::kUpper, {Text("straße ﬁ")}), "'STRAßE ﬁ'");
  EXPECT_EQ(TextOf(Function::kLower, {Text("İ")}), "'i'");
  EXPECT_EQ(TextOf(Function::kUpper, {Text("\U00010428")}), "'\U00010400'");
  EXPECT_EQ(TextOf(Function::kLower, {Text("\xC4")}), "'\xC4'");
  EXPECT_EQ(TextOf(Function::kLower, {Null(Type::kText)}), "NULL");
}

TEST(Evaluate, CountsCharactersNotBytes) {
  const auto length = [](const std::string& text) {
    return ValueOf(Call(Function::kLength, Type::kBigint, {Text(text)}));
  };
  EXPECT_EQ(length(""), "0");
  EXPECT_EQ(length("abc"), "3");
  EXPECT_EQ(length("äöü"), "3");
  EXPECT_EQ(length("a\U0001F600b"), "3");
}

TEST(Evaluate, ConcatenatesStrictly) {
  EXPECT_EQ(TextOf(Function::kConcatenate, {Text("ab"), Text(""), Text("c")}), "'abc'");
  EXPECT_EQ(TextOf(Function::kConcatenate, {Text("ab"), Null(Type::kText)}), "NULL");
}

TEST(Evaluate, SubstringCountsFromOneAndMayStartBefore) {
  const auto substring = [](int64_t start, int64_t length) {
    return TextOf(Function::kSubstring, {Text("grün-x"), Bigint(start), Bigint(length)});
  };
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(substring(1, 3), "'grü'");
  EXPECT_EQ(substring(3, 2), "'ün'");
  EXPECT_EQ(substring(0, 2), "'g'");
  EXPECT_EQ(substring(-3, 4), "''");
  EXPECT_EQ(substring(-3, 5), "'g'");
  EXPECT_EQ(substring(5, 100), "'-x'");
  EXPECT_EQ(substring(50, 2), "''");
  EXPECT_EQ(substring(2, 0), "''");
  EXPECT_EQ(substring(2, kMost), "'rün-x'");
  EXPECT_EQ(substring(kLeast, 5), "''");
  EXPECT_EQ(substring(2, -1), "error: negative substring length not allowed");
  EXPECT_EQ(TextOf(Function::kSubstring, {Text("grün"), Bigint(3)}), "'ün'");
  EXPECT_EQ(TextOf(Function::kSubstring, {Text("grün"), Bigint(-3)}), "'grün'");
  EXPECT_EQ(TextOf(Function::kSubstring, {Text("grün"), Bigint(9)}), "''");
}

TEST(Evaluate, LikeKnowsPercentUnderscoreAndBackslash) {
  struct Case {
    const char* text;
    const char* pattern;
    bool matches;
  };
  const Case cases[] = {
      {"abc", "abc", true},     {"abc", "a%", true},
      {"abc", "%c", true},      {"abc", "_b_", true},
      {"abc", "__", false},     {"abc", "%", true},
      {"", "%", true},          {"", "", true},
      {"", "_", false},         {"abc", "b", false},
      {"abc", "%b%", true},     {"a%c", "a\\%c", true},
      {"abc", "a\\%c", false},  {"a_c", "a\\_c", true},
      {"abc", "a\\_c", false},  {"a\\c", "a\\\\c", true},
      {"aXbXc", "a%b%c", true}, {"aab", "%aab", true},
      {"aaab", "%aab", true},   {"mississippi", "%iss%ip%i", true},
      {"ABC", "abc", false},    {"grün", "gr_n", true},
      {"grün", "gr__n", false}, {"\u00e4b", "%_b", true},
      {"abc", "%%c", true},     {"abc", "abc%_", false},
      {"a\nb", "a_b", true},
  };
  for (const Case& each : cases) {
    const std::vector<Expression> arguments = {Text(each.text), Text(each.pattern)};
    EXPECT_EQ(ValueOf(Call(Function::kLike, Type::kBoolean, arguments)),
              each.matches ? "true" : "false")
        << each.text << " LIKE " << each.pattern;
    EXPECT_EQ(ValueOf(Call(Function::kNotLike, Type::kBoolean, arguments)),
              each.matches ? "false" : "true");
  }
  EXPECT_EQ(ValueOf(Call(Function::kLike, Type::kBoolean, {Text("ab"), Text("a\\")})),
            "error: LIKE pattern must not end with escape character");
  EXPECT_EQ(ValueOf(Call(Function::kLike, Type::kBoolean, {Text("ab"), Null(Type::kText)})),
            "NULL");
}

std::string FromText(const std::string& text, Type type) { return ValueOf(Cast(Text(text), type)); }

TEST(Evaluate, ReadsBigintsFromText) {
  EXPECT_EQ(FromText(" 42 ", Type::kBigint), "42");
  EXPECT_EQ(FromText("-9223372036854775808", Type::kBigint), "-9223372036854775808");
  EXPECT_EQ(FromText("9223372036854775808", Type::kBigint),
            "error: value \"9223372036854775808\" is out of range for type bigint");
  EXPECT_EQ(FromText("1.5", Type::kBigint), "error: invalid input syntax for type bigint: \"1.5\"");
  EXPECT_EQ(FromText("", Type::kBigint), "error: invalid input syntax for type bigint: \"\"");
  EXPECT_EQ(FromText(" - 1", Type::kBigint),
            "error: invalid input syntax for type bigint: \" - 1\"");
}

TEST(Evaluate, ReadsDoublesFromText) {
  EXPECT_EQ(FromText("\t1e3\n", Type::kDouble), "1000");
  EXPECT_EQ(FromText(".5", Type::kDouble), "0.5");
  EXPECT_EQ(FromText("-inf", Type::kDouble), "-Infinity");
  EXPECT_EQ(FromText("Infinity", Type::kDouble), "Infinity");
  EXPECT_EQ(FromText("nan", Type::kDouble), "NaN");
  EXPECT_EQ(FromText("0.1", Type::kDouble), "0.1");
  EXPECT_EQ(FromText("1e400", Type::kDouble),
            "error: \"1e400\" is out of range for type double precision");
  EXPECT_EQ(FromText("-1e-400", Type::kDouble),
            "error: \"-1e-400\" is out of range for type double precision");
  EXPECT_EQ(FromText("x", Type::kDouble),
            "error: invalid input syntax for type double precision: \"x\"");
  EXPECT_EQ(FromText("1e", Type::kDouble),
            "error: invalid input syntax for type double precision: \"1e\"");
}

TEST(Evaluate, ReadsBooleansFromText) {
  for (const char* word : {"t", "TRUE", "tr", "yes", "y", "on", "1", " true "}) {
    EXPECT_EQ(FromText(word, Type::kBoolean), "true") << word;
  }
  for (const char* word : {"f", "FALSE", "fal", "no", "n", "of", "off", "0"}) {
    EXPECT_EQ(FromText(word, Type::kBoolean), "false") << word;
  }
  for (const char* word : {"", "o", "2", "truex", "01", "yes no"}) {
    EXPECT_EQ(FromText(word, Type::kBoolean),
              "error: invalid input syntax for type boolean: \"" + std::string(word) + "\"");
  }
}

TEST(Evaluate, ReadsTimestampsFromText) {
  EXPECT_EQ(FromText("2026-03-01 10:20:30.5", Type::kTimestamp), "2026-03-01 10:20:30.5");
  EXPECT_EQ(FromText(" 2026-03-01T10:20:30Z ", Type::kTimestamp), "2026-03-01 10:20:30");
  EXPECT_EQ(FromText("2026-02-30", Type::kTimestamp),
            "error: invalid input syntax for type timestamp: \"2026-02-30\"");
}

TEST(Evaluate, QuotesLongTextsInPartWithoutBreakingACharacter) {
  std::string text(199, 'x');
  text += "\u00e4\u00e4";
  EXPECT_EQ(FromText(text, Type::kBigint),
            "error: invalid input syntax for type bigint: \"" + std::string(199, 'x') + "...\"");
}

TEST(Evaluate, WritesEveryTypeAsText) {
  const auto text = [](Expression value) { return ValueOf(Cast(std::move(value), Type::kText)); };
  EXPECT_EQ(text(Boolean(true)), "'true'");
  EXPECT_EQ(text(Bigint(-7)), "'-7'");
  EXPECT_EQ(text(Double(0.1)), "'0.1'");
  EXPECT_EQ(text(Double(1e15)), "'1e+15'");
  EXPECT_EQ(text(Double(100000)), "'100000'");
  EXPECT_EQ(text(Double(-0.0)), "'-0'");
  EXPECT_EQ(text(Time("2026-03-01 00:00:00")), "'2026-03-01 00:00:00'");
  EXPECT_EQ(text(Null(Type::kDouble)), "NULL");
  EXPECT_EQ(text(Text("as it is")), "'as it is'");
}

TEST(Evaluate, RoundsDoublesToBigintHalfToEvenWithinRange) {
  const auto bigint = [](double value) { return ValueOf(Cast(Double(value), Type::kBigint)); };
  EXPECT_EQ(bigint(0.5), "0");
  EXPECT_EQ(bigint(1.5), "2");
  EXPECT_EQ(bigint(-2.5), "-2");
  EXPECT_EQ(bigint(-0x1p63), "-9223372036854775808");
  EXPECT_EQ(bigint(0x1p63), "error: bigint out of range");
  EXPECT_EQ(bigint(std::numeric_limits<double>::quiet_NaN()), "error: bigint out of range");
  EXPECT_EQ(bigint(-std::numeric_limits<double>::infinity()), "error: bigint out of range");
}

TEST(Evaluate, CastsBetweenNumbersAndBooleans) {
  EXPECT_EQ(ValueOf(Cast(Bigint(9007199254740993), Type::kDouble)), "9.007199254740992e+15");
  EXPECT_EQ(ValueOf(Cast(Bigint(-3), Type::kBoolean)), "true");
  EXPECT_EQ(ValueOf(Cast(Boolean(true), Type::kBigint)), "1");
  EXPECT_EQ(ValueOf(Cast(Boolean(true), Type::kDouble)),
            "refused: CAST: boolean cannot become double precision");
  EXPECT_EQ(ValueOf(Cast(Time(0), Type::kBigint)), "refused: CAST: timestamp cannot become bigint");
}

}  // namespace
}  // namespace streamml::operators
