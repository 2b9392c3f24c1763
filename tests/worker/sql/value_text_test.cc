#include "worker/sql/value_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace streamml::sql {
namespace {

using data::Type;

TEST(ParseBoolean, TakesUniqueBeginningsInAnyCase) {
  for (const char* text : {"t", "TRUE", "tru", "y", "yes", "on", "1", " true "}) {
    EXPECT_EQ(ParseBoolean(text), true) << text;
  }
  for (const char* text : {"f", "False", "n", "no", "of", "off", "0"})
    EXPECT_EQ(ParseBoolean(text), false) << text;
  for (const char* text : {"", "o", "2", "truer", "ja", "10"})
    EXPECT_EQ(ParseBoolean(text), std::nullopt) << text;
}

TEST(ParseValue, StripsBlanksButNotFromText) {
  EXPECT_EQ(ParseValue(" 42\n", Type::kBigint), Value(int64_t{42}));
  EXPECT_EQ(ParseValue(" 1.5 ", Type::kDouble), Value(1.5));
  EXPECT_EQ(ParseValue(" a ", Type::kText), Value(std::string(" a ")));
  EXPECT_EQ(ParseValue(" 1970-01-01 00:00:01 ", Type::kTimestamp), Value(int64_t{1'000'000}));
}

TEST(ParseValue, RefusesWhatIsNotOfTheType) {
  EXPECT_EQ(ParseValue("1.5", Type::kBigint), std::nullopt);
  EXPECT_EQ(ParseValue("9223372036854775808", Type::kBigint), std::nullopt);
  EXPECT_EQ(ParseValue("1e400", Type::kDouble), std::nullopt);
  EXPECT_EQ(ParseValue("2026-02-30", Type::kTimestamp), std::nullopt);
  EXPECT_EQ(ParseValue("now", Type::kTimestamp), std::nullopt);
}

TEST(FormatValue, WritesAsPostgreSqlDoes) {
  EXPECT_EQ(FormatValue(true, Type::kBoolean), "true");
  EXPECT_EQ(FormatValue(std::numeric_limits<int64_t>::min(), Type::kBigint),
            "-9223372036854775808");
  EXPECT_EQ(FormatValue(1e15, Type::kDouble), "1e+15");
  EXPECT_EQ(FormatValue(100.0, Type::kDouble), "100");
  EXPECT_EQ(FormatValue(int64_t{1'500'000}, Type::kTimestamp), "1970-01-01 00:00:01.5");
}

}  // namespace
}  // namespace streamml::sql
