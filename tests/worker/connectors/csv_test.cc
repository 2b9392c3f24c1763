#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/connectors/source_fixture.h"

namespace streamml::connectors {
namespace {

using data::TimeUnit;
using data::Type;
using ::testing::HasSubstr;

const std::vector<SourceColumn> kColumns = {{"id", Type::kText, "", {}},
                                            {"amount", Type::kDouble, "the amount", {}},
                                            {"count", Type::kBigint, "", {}},
                                            {"ok", Type::kBoolean, "", {}},
                                            {"at", Type::kTimestamp, "", TimeUnit::kMilliseconds}};
constexpr std::string_view kHeader = "count,unused,id,the amount,ok,at";

std::string Parse(std::string_view record) {
  auto parser = MakeCsvParser(kColumns, kHeader);
  return parser.ok() ? ParseToText(**parser, kColumns, record) : parser.status().ToString();
}

TEST(CsvTest, ColumnsAreFoundByTheHeader) {
  EXPECT_EQ(Parse("3,x,a,1.5e1,true,1772323200101"),
            R"({"id":"a","amount":15,"count":3,"ok":true,"at":"2026-03-01T00:00:00.101Z"})");
}

TEST(CsvTest, EmptyCellsAreNullAndQuotedOnesEmptyText) {
  EXPECT_EQ(Parse(",,,,,"), R"({"id":null,"amount":null,"count":null,"ok":null,"at":null})");
  EXPECT_EQ(Parse(R"("","","","","","")"),
            R"({"id":"","amount":null,"count":null,"ok":null,"at":null})");
}

TEST(CsvTest, QuotesHoldCommasQuotesAndLineEnds) {
  EXPECT_EQ(Parse("\"3\",\"u\"\"\",\"a,\"\"b\"\"\r\nc\",,\"F\","),
            R"({"id":"a,\"b\"\r\nc","amount":null,"count":3,"ok":false,"at":null})");
}

TEST(CsvTest, BooleansAreTheListedWordsInAnyCase) {
  for (const char* word : {"true", "T", "1", "True"}) {
    EXPECT_THAT(Parse(std::string(",,,,") + word + ","), HasSubstr("\"ok\":true")) << word;
  }
  EXPECT_EQ(Parse(",,,,yes,"), "! column 'ok': expected boolean, got cell \"yes\"");
}

TEST(CsvTest, WholeNumbersMayBeWrittenWithAPoint) {
  EXPECT_THAT(Parse("7.0,,,,,"), HasSubstr("\"count\":7,"));
}

TEST(CsvTest, ATextWithNulIsRefused) {
  const std::vector<SourceColumn> columns = {{"v", Type::kText, "", {}}};
  auto parser = MakeCsvParser(columns, "v");
  ASSERT_TRUE(parser.ok());
  EXPECT_EQ(ParseToText(**parser, columns, std::string_view("a\0b", 3)),
            "! column 'v': a text cannot hold U+0000");
}

TEST(CsvTest, WrongValuesNameTheColumn) {
  EXPECT_EQ(Parse("1.5,,,,,"), "! column 'count': expected bigint, got cell \"1.5\"");
  EXPECT_EQ(Parse(",,, 1,,"), "! column 'amount': expected double precision, got cell \" 1\"");
  EXPECT_THAT(Parse(",,,,,2026-03-01"),
              HasSubstr("column 'at': timestamp '2026-03-01': expected a decimal"));
}

TEST(CsvTest, ANumberForATimestampIsToldToNeedAUnit) {
  const std::vector<SourceColumn> columns = {{"at", Type::kTimestamp, "", {}}};
  const auto parser = MakeCsvParser(columns, "at");
  ASSERT_TRUE(parser.ok()) << parser.status();
  EXPECT_EQ(
      ParseToText(**parser, columns, "1772323200"),
      "! column 'at': expected timestamp as text (for a number the column needs unit: s, ms or "
      "us), got number 1772323200");
}

TEST(CsvTest, BrokenRecordsAreRefusedWithTheByte) {
  EXPECT_EQ(Parse("1,,a"), "! expected 6 cells as in the header, got 3");
  EXPECT_EQ(Parse("1,,a,,,,"), "! expected 6 cells as in the header, got 7");
  EXPECT_EQ(Parse("1,a\"b,,,,"),
            "! not CSV at byte 3: a quote inside a cell that does not begin with one");
  EXPECT_EQ(Parse("1,\"a\"b,,,,"), "! not CSV at byte 5: text behind a closing quote");
  EXPECT_EQ(Parse("1,\"a,,,,"), "! not CSV at byte 2: a quoted cell is not closed");
  EXPECT_EQ(Parse("1,\"a\"\",,,,"), "! not CSV at byte 2: a quoted cell is not closed");
  EXPECT_EQ(Parse("1,\xC3,,,,"), "! not CSV at byte 2: invalid UTF-8");
}

TEST(CsvTest, AHeaderThatDoesNotFitIsRefusedWithItsNames) {
  const auto error = [](std::string_view header) {
    return std::string(MakeCsvParser({{"id", Type::kText, "", {}}}, header).status().message());
  };
  EXPECT_EQ(error("a,\"b c\""), "csv header has no column 'id', it has 'a', 'b c'");
  EXPECT_EQ(error("id,x,id"), "csv header names 'id' twice");
  EXPECT_THAT(error("id,\"x"), HasSubstr("csv header: not CSV at byte 3"));
  EXPECT_EQ(error("id,x"), "");
}

}  // namespace
}  // namespace streamml::connectors
