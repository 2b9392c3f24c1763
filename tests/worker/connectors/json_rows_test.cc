#include "worker/connectors/json_rows.h"

#include <gtest/gtest.h>

#include <limits>

#include "worker/data/json_text.h"

namespace streamml::connectors {
namespace {

using data::Type;

std::string Quoted(std::string_view text) {
  std::string out;
  data::AppendJsonString(text, out);
  return out;
}

TEST(JsonRowsTest, FieldsStandInTheOrderOfTheSchema) {
  const auto schema =
      std::make_shared<data::Schema>(std::vector<data::Field>{{"z \"key\"", Type::kText},
                                                              {"flag", Type::kBoolean},
                                                              {"n", Type::kBigint},
                                                              {"x", Type::kDouble},
                                                              {"at", Type::kTimestamp}});
  data::BatchBuilder builder(schema);
  builder.AddOrigin({});
  builder.column(0).AppendText("ä");
  builder.column(1).AppendBoolean(false);
  builder.column(2).AppendInteger(std::numeric_limits<int64_t>::max());
  builder.column(3).AppendDouble(0.1);
  builder.column(4).AppendInteger(1772323200101000);
  builder.AddOrigin({});
  for (size_t index = 0; index < 4; ++index) builder.column(index).AppendNull();
  builder.column(4).AppendFailed();
  const data::Batch batch = builder.Finish();
  std::string out = "before\n";
  JsonRowWriter(*schema).Append(batch, out);
  EXPECT_EQ(
      out,
      "before\n"
      R"({"z \"key\"":"ä","flag":false,"n":9223372036854775807,"x":0.1,"at":"2026-03-01T00:00:00.101Z"})"
      "\n"
      R"({"z \"key\"":null,"flag":null,"n":null,"x":null,"at":null})"
      "\n");
}

TEST(JsonRowsTest, NumbersThatJsonLacksAreStrings) {
  const auto schema =
      std::make_shared<data::Schema>(std::vector<data::Field>{{"x", Type::kDouble}});
  data::BatchBuilder builder(schema);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), kInfinity, -kInfinity, -0.0, 1e300}) {
    builder.AddOrigin({});
    builder.column(0).AppendDouble(value);
  }
  std::string out;
  JsonRowWriter(*schema).Append(builder.Finish(), out);
  EXPECT_EQ(
      out,
      "{\"x\":\"NaN\"}\n{\"x\":\"Infinity\"}\n{\"x\":\"-Infinity\"}\n{\"x\":-0}\n{\"x\":1e+300}\n");
}

TEST(JsonRowsTest, ARelationWithoutColumnsHasEmptyObjects) {
  const auto schema = std::make_shared<data::Schema>();
  data::BatchBuilder builder(schema);
  builder.AddOrigin({});
  std::string out;
  JsonRowWriter(*schema).Append(builder.Finish(), out);
  EXPECT_EQ(out, "{}\n");
}

TEST(JsonRowsTest, TextIsEscapedOnlyWhereJsonAsksForIt) {
  EXPECT_EQ(Quoted(""), R"("")");
  EXPECT_EQ(Quoted("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(Quoted(std::string("\0\x01\x1f\n\r\t\b\f\x7f", 9)),
            "\"\\u0000\\u0001\\u001f\\n\\r\\t\\b\\f\x7f\"");
  EXPECT_EQ(Quoted("€ \xF0\x9F\x98\x80"), "\"€ \xF0\x9F\x98\x80\"");
}

TEST(JsonRowsTest, DeadLettersCarryWhereWhyAndWhat) {
  std::string out;
  AppendDeadLetterJson("payments", "in/a.jsonl", {7, 1234, "no \"value\"", "{\"x\":", false}, out);
  EXPECT_EQ(out, R"({"source":"payments","partition":"in/a.jsonl","record":7,"bytePosition":1234,)"
                 R"("reason":"no \"value\"","raw":"{\"x\":"})"
                 "\n");
}

TEST(JsonRowsTest, RawBytesThatAreNotUtf8AreBase64) {
  std::string out;
  AppendDeadLetterJson("s", "a\xFF", {0, 0, "r", "\xFF\xFE", true}, out);
  EXPECT_EQ(out, R"({"source":"s","partition":"a\\xff","record":0,"bytePosition":0,"reason":"r",)"
                 R"("rawBase64":"//4=","rawCut":true})"
                 "\n");
}

}  // namespace
}  // namespace streamml::connectors
