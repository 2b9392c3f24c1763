// Laws of PartitionReader. Mutants they kill: a position that points at a record's line end or into
// the header; blank lines counted as records; a scan that depends on where a read ended; CR LF cut
// between two reads; dead letters that do not advance the ordinal; an error that swallows the rows
// before it.
#include "worker/connectors/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/worker/connectors/source_fixture.h"

namespace streamml::connectors {
namespace {

using data::Type;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

SourceDescription Json() {
  return Describe(
      FileFormat::kJson,
      {{"id", Type::kText, "", {}}, {"at", Type::kTimestamp, "", data::TimeUnit::kMicroseconds}},
      1);
}

SourceDescription Csv() {
  return Describe(
      FileFormat::kCsv,
      {{"id", Type::kText, "", {}}, {"at", Type::kTimestamp, "", data::TimeUnit::kMicroseconds}},
      1);
}

// Good rows, dead letters of each kind, blank lines, both line ends, a last line without an end.
const char kJsonText[] =
    "\xEF\xBB\xBF{\"id\":\"a\",\"at\":10}\n"
    "\n"
    "  \t\r\n"
    "{\"id\":\"b\",\"at\":20}\r\n"
    "not json\n"
    "{\"id\":\"c\"}\n"
    "{\"id\":5,\"at\":30}\n"
    "{\"at\":7}\n"
    "\n"
    "{\"id\":\"\xFF\",\"at\":1}\n"
    "{\"id\":\"last, much longer than the others so that reads end within it\",\"at\":40}";

const char kCsvText[] =
    "\"id\",x,at\r\n"
    "a,,10\r\n"
    "\r\n"
    "\"b\nb\"\"\",\"\",20\n"
    "c,30\n"
    "d\"d,,40\n"
    "\"e\"e,\n"
    "f,,\n"
    ",\"1,\r\n2\",50\n"
    "\"open, and never\nclosed\n"
    "g,,60\n"
    "i,,80";

ReaderLimits SmallReads(size_t read_bytes) {
  ReaderLimits limits;
  limits.read_bytes = read_bytes;
  return limits;
}

TEST(FileSourceTest, AnEmptyLineOfOneCsvColumnIsNull) {
  const auto one = Describe(FileFormat::kCsv, {{"id", Type::kText, "", {}}});
  EXPECT_THAT(ReadFrom(one, "id\na\n\nb\r\n\r\n", {}, 100).lines,
              ElementsAre(R"(0 @0 1/2 {"id":"a"})", R"(1 @0 1/2 {"id":null})",
                          R"(2 @0 1/2 {"id":"b"})", R"(3 @0 1/2 {"id":null})"));
}

TEST(FileSourceTest, JsonLinesBecomeRowsAndDeadLetters) {
  EXPECT_THAT(
      ReadFrom(Json(), kJsonText, {}, 100).lines,
      ElementsAre(
          R"(0 @10 1/2 {"id":"a","at":"1970-01-01T00:00:00.00001Z"})",
          R"(1 @20 1/2 {"id":"b","at":"1970-01-01T00:00:00.00002Z"})",
          HasSubstr("2 dead at byte 48: expected a JSON object, got not json <not json>"),
          "3 dead at byte 57: column 'at': event time is NULL <{\"id\":\"c\"}>",
          "4 dead at byte 68: column 'id': expected text, got number 5 <{\"id\":5,\"at\":30}>",
          R"(5 @7 1/2 {"id":null,"at":"1970-01-01T00:00:00.000007Z"})",
          HasSubstr("6 dead at byte 95: not JSON at byte 7: invalid UTF-8"),
          HasSubstr("7 @40 1/2 {\"id\":\"last, much")));
}

TEST(FileSourceTest, CsvRecordsBecomeRowsAndDeadLetters) {
  EXPECT_THAT(
      ReadFrom(Csv(), kCsvText, {}, 100).lines,
      ElementsAre(
          R"(0 @10 1/2 {"id":"a","at":"1970-01-01T00:00:00.00001Z"})",
          R"(1 @20 1/2 {"id":"b\nb\"","at":"1970-01-01T00:00:00.00002Z"})",
          "2 dead at byte 34: expected 3 cells as in the header, got 2 <c,30>",
          HasSubstr("3 dead at byte 39: not CSV at byte 1: a quote inside"),
          HasSubstr("4 dead at byte 47: not CSV at byte 3: text behind"),
          "5 dead at byte 53: column 'at': event time is NULL <f,,>",
          R"(6 @50 1/2 {"id":null,"at":"1970-01-01T00:00:00.00005Z"})",
          "7 dead at byte 69: a quoted cell is not closed within the file <\"open, and never>",
          "8 dead at byte 86: expected 3 cells as in the header, got 1 <closed>",
          HasSubstr("9 @60 "), HasSubstr("10 @80 ")));
}

TEST(FileSourceTest, CuttingBlocksAndReadsElsewhereChangesNothing) {
  for (const auto& [description, text] :
       {std::pair{Json(), std::string(kJsonText)}, {Csv(), kCsvText}}) {
    const Reading whole = ReadFrom(description, text, {}, 1000);
    ASSERT_EQ(whole.ends.back().records, whole.lines.size());
    EXPECT_EQ(whole.ends.back().bytes, text.size());
    for (const size_t max_records : {1, 2, 3, 5}) {
      for (const size_t read_bytes : {1, 2, 3, 7, 64, 1000}) {
        const Reading cut = ReadFrom(description, text, {}, max_records, SmallReads(read_bytes));
        EXPECT_EQ(cut.lines, whole.lines) << max_records << " " << read_bytes;
        EXPECT_EQ(cut.ends.back(), whole.ends.back());
      }
    }
    ReaderLimits small_blocks;
    small_blocks.max_block_bytes = 1;
    EXPECT_EQ(ReadFrom(description, text, {}, 1000, small_blocks).lines, whole.lines);
  }
}

TEST(FileSourceTest, ReadingOnFromEveryPositionGivesTheRest) {
  for (const auto& [description, text] :
       {std::pair{Json(), std::string(kJsonText)}, {Csv(), kCsvText}}) {
    const Reading whole = ReadFrom(description, text, {}, 1);
    for (const std::string& raw : {text, Gzip(text)}) {
      for (const SourcePosition& from : whole.ends) {
        const Reading rest = ReadFrom(description, raw, from, 2);
        const std::vector<std::string> expected(
            whole.lines.begin() + static_cast<ptrdiff_t>(from.records), whole.lines.end());
        EXPECT_EQ(rest.lines, expected) << from.records << " " << from.bytes;
        EXPECT_EQ(rest.ends.back(), whole.ends.back());
      }
    }
  }
}

TEST(FileSourceTest, GzipEqualsPlain) {
  EXPECT_EQ(ReadFrom(Json(), Gzip(kJsonText), {}, 3).lines,
            ReadFrom(Json(), kJsonText, {}, 3).lines);
}

TEST(FileSourceTest, TooLongRecordsAreDeadAndTheNextLineGoesOn) {
  ReaderLimits limits = SmallReads(16);
  limits.max_record_bytes = 40;
  limits.max_raw_bytes = 20;
  const std::string fits = absl::StrCat(R"({"id":")", std::string(24, 'f'), R"(","at":1})");
  ASSERT_EQ(fits.size(), 40U);
  const std::string long_line(200, 'x');
  for (const char* end : {"\n", ""}) {
    const std::string text = absl::StrCat(fits, "\n", long_line, "\n", fits, "\nxx", fits, end);
    EXPECT_THAT(
        ReadFrom(Json(), text, {}, 2, limits).lines,
        ElementsAre(
            HasSubstr("0 @1 "),
            absl::StrCat("1 dead at byte 41: longer than 40 bytes <", std::string(20, 'x'), "...>"),
            HasSubstr("2 @1 "), HasSubstr("3 dead at byte 283: longer than 40 bytes <xx{")));
  }
}

TEST(FileSourceTest, AQuoteThatIsNotClosedFailsItsLineOnly) {
  ReaderLimits limits = SmallReads(16);
  limits.max_record_bytes = 40;
  std::string text = "id,at\n\"open,1\n";
  for (int row = 0; row < 10; ++row) absl::StrAppend(&text, "r", row, ",", row, "\n");
  const Reading reading = ReadFrom(Csv(), text, {}, 100, limits);
  ASSERT_EQ(reading.lines.size(), 11U);
  EXPECT_EQ(reading.lines[0],
            "0 dead at byte 6: a quoted cell is not closed within 40 bytes <\"open,1>");
  EXPECT_THAT(reading.lines[1], HasSubstr(R"(1 @0 1/2 {"id":"r0")"));
  EXPECT_THAT(reading.lines[10], HasSubstr(R"(10 @9 1/2 {"id":"r9")"));
}

TEST(FileSourceTest, EmptyFilesEndAtOnce) {
  EXPECT_THAT(ReadFrom(Json(), "", {}, 10).lines, ElementsAre());
  EXPECT_THAT(ReadFrom(Json(), "\n\n", {}, 10).lines, ElementsAre());
  EXPECT_THAT(ReadFrom(Csv(), "id,at", {}, 10).lines, ElementsAre());
  EXPECT_THAT(ReadFrom(Csv(), "", {}, 10).lines,
              ElementsAre(HasSubstr("file 'events': the file is empty")));
}

TEST(FileSourceTest, WhatDoesNotFitIsRefusedWithThePath) {
  EXPECT_THAT(
      ReadFrom(Csv(), "id,x\n", {}, 10).lines,
      ElementsAre(HasSubstr("file 'events': csv header has no column 'at', it has 'id', 'x'")));
  EXPECT_THAT(ReadFrom(Json(), "\xFF\xFEx", {}, 10).lines, ElementsAre(HasSubstr("UTF-16")));
  EXPECT_THAT(ReadFrom(Json(), kJsonText, {1, 2}, 10).lines,
              ElementsAre(HasSubstr("before the first record")));
  EXPECT_THAT(ReadFrom(Json(), kJsonText, {1, 4000}, 10).lines,
              ElementsAre(HasSubstr("asked for position 4000")));
  EXPECT_THAT(ReadFrom(Csv(), "id,at\n", {1, 7}, 10).lines,
              ElementsAre(HasSubstr("asked for position 7")));
}

TEST(FileSourceTest, RowsBeforeAnErrorAreReturnedAndTheErrorStays) {
  std::string text;
  for (int row = 0; row < 50; ++row)
    absl::StrAppend(&text, "{\"id\":\"r\",\"at\":", row + 100, "}\n");
  auto reader = PartitionReader::Open(Json(), 0, std::make_unique<MemorySource>(text, 500), {},
                                      SmallReads(100));
  ASSERT_TRUE(reader.ok());
  const auto block = (*reader)->Read(1000);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->rows.num_rows(), 25U);
  EXPECT_EQ(block->end, (SourcePosition{25, 500}));
  EXPECT_FALSE(block->at_end);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto failed = (*reader)->Read(1000);
    EXPECT_EQ(failed.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(failed.status().message(), HasSubstr("after record 25 of 'events'"));
  }
}

TEST(FileSourceTest, WithoutATimeColumnOriginsHaveTimeZero) {
  const auto description = Describe(FileFormat::kJson, {{"n", Type::kBigint, "", {}}});
  EXPECT_THAT(ReadFrom(description, "{\"n\":5}\n{}\n", {}, 10).lines,
              ElementsAre(R"(0 @0 1/2 {"n":5})", R"(1 @0 1/2 {"n":null})"));
}

}  // namespace
}  // namespace streamml::connectors
