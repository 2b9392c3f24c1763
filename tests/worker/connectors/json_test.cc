#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/worker/connectors/source_fixture.h"

namespace streamml::connectors {
namespace {

using data::TimeUnit;
using data::Type;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Parse(const std::vector<SourceColumn>& columns, std::string_view record) {
  auto parser = MakeJsonParser(columns);
  if (!parser.ok()) return parser.status().ToString();
  return ParseToText(**parser, columns, record);
}

// One column `v`, where `record` writes the value for `v`.
std::string ParseValue(Type type, std::string_view value, std::optional<TimeUnit> unit = {}) {
  return Parse({{"v", type, "", unit}}, absl::StrCat("{\"v\":", std::string(value), "}"));
}

TEST(JsonTest, ColumnsAreReadByNameInAnyOrder) {
  const std::vector<SourceColumn> columns = {{"id", Type::kText, "", {}},
                                             {"amount", Type::kDouble, "", {}},
                                             {"count", Type::kBigint, "", {}},
                                             {"ok", Type::kBoolean, "", {}},
                                             {"at", Type::kTimestamp, "", {}}};
  const std::string row =
      R"({"id":"a","amount":12.5,"count":-3,"ok":true,"at":"2026-03-01T00:00:00.101Z"})";
  EXPECT_EQ(Parse(columns, row), row);
  EXPECT_EQ(Parse(columns, R"( { "at" : "2026-03-01 02:00:00.101+02" , "ok":true, "x":[1,{"id":2}],
             "count":-3,"amount":1.25e1,"id":"a"} )"),
            row);
}

TEST(JsonTest, MissingAndNullAreNull) {
  EXPECT_EQ(ParseValue(Type::kDouble, "null"), R"({"v":null})");
  EXPECT_EQ(Parse({{"v", Type::kText, "", {}}}, "{}"), R"({"v":null})");
  EXPECT_EQ(Parse({{"v", Type::kText, "/a/b", {}}}, R"({"a":null})"), R"({"v":null})");
  EXPECT_EQ(Parse({{"v", Type::kText, "/a/b", {}}}, R"({"a":{"c":1}})"), R"({"v":null})");
  EXPECT_EQ(Parse({{"v", Type::kText, "/a/3", {}}}, R"({"a":["x"]})"), R"({"v":null})");
}

TEST(JsonTest, PathsReachIntoObjectsAndArrays) {
  const std::vector<SourceColumn> columns = {{"b", Type::kBigint, "$.a.b", {}},
                                             {"second", Type::kBigint, "/list/1/x", {}},
                                             {"odd", Type::kBigint, "/m~1n/~0", {}},
                                             {"top", Type::kBigint, "plain.key", {}}};
  EXPECT_EQ(Parse(columns, R"({"list":[0,{"x":2}],"m/n":{"~":3},"a":{"z":9,"b":1},"plain.key":4})"),
            R"({"b":1,"second":2,"odd":3,"top":4})");
}

TEST(JsonTest, AnArrayWhereAPathHasAKeyIsRefused) {
  const std::string refused = "! column 'v': expected an object at '/p', got array";
  EXPECT_EQ(Parse({{"v", Type::kText, "/p/a", {}}}, R"({"p":[1]})"), refused);
  EXPECT_EQ(Parse({{"v", Type::kText, "/p/01", {}}}, R"({"p":[1]})"), refused);
  EXPECT_EQ(Parse({{"w", Type::kText, "/p/0", {}}, {"v", Type::kText, "/p/a", {}}}, R"({"p":[]})"),
            refused);
  EXPECT_EQ(Parse({{"v", Type::kText, "/p/a", {}}}, R"({"p":{"a":"x"}})"), R"({"v":"x"})");
}

TEST(JsonTest, NumbersThatAreTooSmallForADoubleAreRefused) {
  for (const char* number : {"1e-400", "-1e-400", "2e-324", "0.001e-330"}) {
    EXPECT_THAT(ParseValue(Type::kDouble, number),
                HasSubstr(absl::StrCat("expected double precision, got number ", number)));
  }
  EXPECT_EQ(ParseValue(Type::kDouble, "0e-400"), R"({"v":0})");
  EXPECT_EQ(ParseValue(Type::kDouble, "-0.0"), R"({"v":-0})");
  EXPECT_EQ(ParseValue(Type::kDouble, "5e-324"), R"({"v":5e-324})");
}

TEST(JsonTest, ATextWithNulIsRefused) {
  EXPECT_EQ(ParseValue(Type::kText, R"("a\u0000b")"), "! column 'v': a text cannot hold U+0000");
  EXPECT_EQ(Parse({{"v", Type::kText, "", {}}}, R"({"v":"a","other":"\u0000"})"), R"({"v":"a"})");
}

TEST(JsonTest, OfEqualKeysTheLastCounts) {
  EXPECT_EQ(Parse({{"v", Type::kBigint, "", {}}}, R"({"v":1,"v":2})"), R"({"v":2})");
  EXPECT_EQ(Parse({{"v", Type::kBigint, "", {}}}, R"({"v":1,"v":null})"), R"({"v":null})");
  EXPECT_EQ(Parse({{"v", Type::kBigint, "/a/b", {}}}, R"({"a":{"b":1},"a":{"c":2}})"),
            R"({"v":null})");
}

TEST(JsonTest, EscapesInKeysAndTextsAreResolved) {
  EXPECT_EQ(Parse({{"v", Type::kText, "", {}}}, R"({"\u0076":"a\u00e4\n\ud83d\ude00"})"),
            "{\"v\":\"aä\\n\xF0\x9F\x98\x80\"}");
  EXPECT_THAT(ParseValue(Type::kText, R"("\ud83d")"), HasSubstr("a bad escape inside a string"));
  EXPECT_THAT(ParseValue(Type::kText, R"("\x")"), HasSubstr("a bad escape inside a string"));
}

TEST(JsonTest, TypesAreStrict) {
  EXPECT_EQ(ParseValue(Type::kDouble, R"("12")"),
            R"(! column 'v': expected double precision, got string "12")");
  EXPECT_EQ(ParseValue(Type::kText, "12"), "! column 'v': expected text, got number 12");
  EXPECT_EQ(ParseValue(Type::kBigint, "12.5"), "! column 'v': expected bigint, got number 12.5");
  EXPECT_EQ(ParseValue(Type::kBoolean, "1"), "! column 'v': expected boolean, got number 1");
  EXPECT_EQ(ParseValue(Type::kBoolean, R"("t")"),
            R"(! column 'v': expected boolean, got string "t")");
  EXPECT_EQ(ParseValue(Type::kText, "true"), "! column 'v': expected text, got boolean true");
  EXPECT_EQ(ParseValue(Type::kText, R"({"a":1})"), "! column 'v': expected text, got object");
  EXPECT_EQ(ParseValue(Type::kDouble, "[1]"), "! column 'v': expected double precision, got array");
  EXPECT_EQ(Parse({{"v", Type::kText, "/a/b", {}}}, R"({"a":5})"),
            "! column 'v': expected an object at '/a', got number");
}

TEST(JsonTest, WholeNumbersMayBeWrittenWithPointOrExponent) {
  EXPECT_EQ(ParseValue(Type::kBigint, "12.0"), R"({"v":12})");
  EXPECT_EQ(ParseValue(Type::kBigint, "-1e3"), R"({"v":-1000})");
  EXPECT_EQ(ParseValue(Type::kBigint, "9007199254740993.0"), R"({"v":9007199254740993})");
  EXPECT_EQ(ParseValue(Type::kBigint, "9223372036854775808.0"),
            "! column 'v': expected bigint, got number 9223372036854775808.0");
  EXPECT_THAT(ParseValue(Type::kBigint, "01.0"), HasSubstr("a malformed number"));
  EXPECT_THAT(ParseValue(Type::kBigint, "1."), HasSubstr("a malformed number"));
  // The walk goes on behind the number.
  EXPECT_EQ(
      Parse({{"a", Type::kBigint, "", {}}, {"b", Type::kText, "", {}}}, R"({"a": 2.0 , "b":"x"})"),
      R"({"a":2,"b":"x"})");
}

TEST(JsonTest, NumbersAreExactAndInRange) {
  EXPECT_EQ(ParseValue(Type::kBigint, "-9223372036854775808"), R"({"v":-9223372036854775808})");
  EXPECT_EQ(ParseValue(Type::kBigint, "9223372036854775808"),
            "! column 'v': expected bigint, got number 9223372036854775808");
  EXPECT_EQ(ParseValue(Type::kBigint, "123456789012345678901234567890"),
            "! column 'v': expected bigint, got number 123456789012345678901234567890");
  EXPECT_EQ(ParseValue(Type::kDouble, "-0"), R"({"v":-0})");
  EXPECT_EQ(ParseValue(Type::kDouble, "123456789012345678901234567890"),
            R"({"v":1.2345678901234568e+29})");
  EXPECT_EQ(ParseValue(Type::kDouble, "0.1"), R"({"v":0.1})");
  EXPECT_EQ(ParseValue(Type::kDouble, "1e400"),
            "! column 'v': expected double precision, got number 1e400");
}

TEST(JsonTest, TimestampsAreTextOrNumbersOfAUnit) {
  EXPECT_EQ(ParseValue(Type::kTimestamp, "1772323200101", TimeUnit::kMilliseconds),
            R"({"v":"2026-03-01T00:00:00.101Z"})");
  EXPECT_EQ(ParseValue(Type::kTimestamp, "1.7723232001E9", TimeUnit::kSeconds),
            R"({"v":"2026-03-01T00:00:00.1Z"})");
  EXPECT_EQ(
      ParseValue(Type::kTimestamp, "1772323200101"),
      "! column 'v': expected timestamp as text (for a number the column needs unit: s, ms or "
      "us), got number 1772323200101");
  EXPECT_EQ(ParseValue(Type::kTimestamp, R"("2026-03-01")", TimeUnit::kSeconds),
            R"(! column 'v': expected timestamp as a number of s, got string "2026-03-01")");
  EXPECT_EQ(ParseValue(Type::kTimestamp, R"("2026-02-30")"),
            "! column 'v': timestamp '2026-02-30': day 30, allowed 1 to 28");
  EXPECT_THAT(ParseValue(Type::kTimestamp, "1e300", TimeUnit::kSeconds),
              HasSubstr("years 0001 to 9999"));
  EXPECT_THAT(ParseValue(Type::kTimestamp, "01", TimeUnit::kSeconds),
              HasSubstr("a malformed number"));
}

TEST(JsonTest, WhatIsNotOneObjectIsRefused) {
  const std::vector<SourceColumn> columns = {{"v", Type::kBigint, "", {}}};
  EXPECT_EQ(Parse(columns, "[1]"), "! expected a JSON object, got [1]");
  EXPECT_EQ(Parse(columns, "12"), "! expected a JSON object, got 12");
  EXPECT_EQ(Parse(columns, "not json"), "! expected a JSON object, got not json");
  for (const char* record : {"{",
                             "}",
                             "{]",
                             R"({"v":1)",
                             R"({"v":1} x)",
                             R"({"v":1}{"v":2})",
                             R"({"v":1},)",
                             R"({"v":1,})",
                             R"({"v" 1})",
                             R"({"v":})",
                             R"({v:1})",
                             R"({"v":1 "w":2})",
                             R"({"v":"abc)",
                             "{\"v\":\"\x01\"}",
                             R"({"v":01})",
                             R"({"v":1x})",
                             R"({"v":nulx})",
                             R"({"v":tru})",
                             R"({"v":+1})",
                             R"({"v":.5})",
                             R"({"v":1.})",
                             R"({"v":--1})",
                             "x",
                             R"({'v':1})",
                             R"({"v":NaN})"}) {
    EXPECT_THAT(Parse(columns, record), StartsWith("! ")) << record;
  }
}

TEST(JsonTest, WhatNoColumnReadsIsCheckedToo) {
  const std::vector<SourceColumn> columns = {{"v", Type::kBigint, "", {}}};
  EXPECT_EQ(Parse(columns, R"({"x":1e999,"y":[{},[],null,false,"s",-0.5e-3],"v":1})"),
            R"({"v":1})");
  for (const char* value : {"nope", "nul", "truex", "1.2.3", "01", "-", R"("\q")", "[1,]", "[1 2]",
                            "{\"a\"}", "[1,{\"a\":tru}]", "[", "\"\\ud800\""}) {
    const std::string record = absl::StrCat(R"({"v":1,"x":)", value, "}");
    EXPECT_THAT(Parse(columns, record), StartsWith("! not JSON")) << record;
  }
}

TEST(JsonTest, ReasonsNameTheByte) {
  const std::vector<SourceColumn> columns = {{"v", Type::kText, "", {}}};
  EXPECT_EQ(Parse(columns, "{\"v\":\"\xFF\"}"), "! not JSON at byte 6: invalid UTF-8");
  EXPECT_THAT(Parse(columns, R"({"x":1,"y":01,"z":3})"), StartsWith("! not JSON at byte 11: "));
  EXPECT_THAT(Parse(columns, R"({"x":1}    {})"), StartsWith("! not JSON at byte 11: "));
}

TEST(JsonTest, NestingIsBounded) {
  const std::vector<SourceColumn> columns = {{"v", Type::kBigint, "", {}}};
  const auto nested = [](int depth) {
    return absl::StrCat(R"({"v":1,"x":)", std::string(depth, '['), std::string(depth, ']'), "}");
  };
  EXPECT_EQ(Parse(columns, nested(kMaxJsonDepth - 1)), R"({"v":1})");
  EXPECT_EQ(Parse(columns, nested(kMaxJsonDepth)), "! nesting is deeper than 100");
  EXPECT_EQ(Parse(columns, nested(100000)), "! nesting is deeper than 100");
}

TEST(JsonTest, LongValuesAreCutInReasonsWithinNoCharacter) {
  const std::string reason =
      ParseValue(Type::kDouble, absl::StrCat("\"", std::string(62, 'x'), "€€\""));
  EXPECT_EQ(reason, absl::StrCat("! column 'v': expected double precision, got string \"",
                                 std::string(62, 'x'), "..."));
}

TEST(JsonTest, AParserGoesOnAfterABadRecord) {
  const std::vector<SourceColumn> columns = {{"v", Type::kText, "", {}}};
  auto parser = *MakeJsonParser(columns);
  for (const char* bad : {"{\"v\":\"\xFF\"}", "{", "[", R"({"v":1})", R"({"v":"a"} x)"}) {
    EXPECT_THAT(ParseToText(*parser, columns, bad), StartsWith("! "));
    EXPECT_EQ(ParseToText(*parser, columns, R"({"v":"good"})"), R"({"v":"good"})");
  }
  const std::string longer = absl::StrCat(R"({"v":")", std::string(100000, 'x'), R"("})");
  EXPECT_EQ(ParseToText(*parser, columns, longer), longer);
}

TEST(JsonTest, PathsThatCannotBeAreRefusedByName) {
  const auto error = [](std::vector<SourceColumn> columns) {
    return std::string(MakeJsonParser(std::move(columns)).status().message());
  };
  EXPECT_THAT(error({{"v", Type::kText, "$.a..b", {}}}), HasSubstr("path '$.a..b': an empty key"));
  EXPECT_THAT(error({{"v", Type::kText, "$a", {}}}), HasSubstr("expected '.' behind '$'"));
  EXPECT_THAT(error({{"v", Type::kText, "$.a[0]", {}}}),
              HasSubstr("'a[0]' is more than a plain key"));
  EXPECT_THAT(error({{"v", Type::kText, "/a~2", {}}}), HasSubstr("'~' must be followed by 0 or 1"));
  for (const auto& [first, second] : {std::pair{"/a", "a"}, {"/a", "/a/b"}, {"/a/b", "/a"}}) {
    EXPECT_THAT(error({{"x", Type::kText, first, {}}, {"y", Type::kText, second, {}}}),
                HasSubstr("columns 'x' and 'y' read overlapping paths"));
  }
}

}  // namespace
}  // namespace streamml::connectors
