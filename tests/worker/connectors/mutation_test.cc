// Seeded random damage to good inputs: whatever comes, every record is one row or one dead letter,
// and cutting reads and blocks elsewhere gives the same ones. The seed is printed on failure.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "tests/worker/connectors/source_fixture.h"

namespace streamml::connectors {
namespace {

using data::Type;

std::vector<SourceColumn> Columns() {
  return {{"id", Type::kText, "", {}},
          {"amount", Type::kDouble, "", {}},
          {"count", Type::kBigint, "", {}},
          {"ok", Type::kBoolean, "", {}},
          {"at", Type::kTimestamp, "", {}}};
}

std::string JsonSeed() {
  std::string text;
  for (int row = 0; row < 6; ++row) {
    absl::StrAppend(&text, R"({"id":"a\"b\u00e4ä","amount":)", row * 1.25,
                    R"(,"x":[{"y":null},"]}"],"count":)", row,
                    R"(,"ok":true,"at":"2026-03-01T00:00:0)", row, ".5Z\"}\n");
  }
  return text;
}

std::string CsvSeed() {
  std::string text = "id,amount,count,ok,at\r\n";
  for (int row = 0; row < 6; ++row) {
    absl::StrAppend(&text, "\"a,\"\"b\"\"\nä\",", row * 1.25, ",", row, ",t,2026-03-01 00:00:0",
                    row, "\r\n");
  }
  return text;
}

void Mutate(std::mt19937_64& random, std::string& text) {
  static constexpr std::string_view kPieces[] = {
      "\"",   "\\",          "\n",   "\r\n", ",", "{", "}",   "[",    "]",
      ":",    "\xFF",        "\xC3", "e999", "-", "0", "\\u", "null", std::string_view("\0", 1),
      "\"\"", "\xEF\xBB\xBF"};
  const size_t place = random() % (text.size() + 1);
  switch (random() % 4) {
    case 0:
      text.insert(place, kPieces[random() % std::size(kPieces)]);
      break;
    case 1:
      text.erase(place, random() % 12);
      break;
    case 2:
      if (place < text.size()) text[place] = static_cast<char>(random());
      break;
    default:
      text.insert(place, text.substr(random() % text.size(), random() % 40));
  }
}

void CheckAnyCut(const SourceDescription& description, const std::string& text,
                 std::mt19937_64& random) {
  ReaderLimits limits;
  limits.max_record_bytes = 150;
  limits.read_bytes = 1 << 12;
  const Reading whole = ReadFrom(description, text, {}, 1000, limits);
  limits.read_bytes = 1 + random() % 40;
  const Reading cut = ReadFrom(description, text, {}, 1 + random() % 4, limits);
  ASSERT_EQ(cut.lines, whole.lines);
  ASSERT_TRUE(std::none_of(whole.lines.begin(), whole.lines.end(),
                           [](const auto& line) { return line.empty(); }));
  if (cut.ends.empty()) return;
  const SourcePosition& from = cut.ends[random() % cut.ends.size()];
  const Reading rest = ReadFrom(description, text, from, 1000, limits);
  ASSERT_EQ(rest.lines,
            std::vector<std::string>(whole.lines.begin() + static_cast<ptrdiff_t>(from.records),
                                     whole.lines.end()));
}

TEST(MutationTest, DamagedInputsGiveTheSameRecordsHoweverTheyAreRead) {
  const std::pair<SourceDescription, std::string> seeds[] = {
      {Describe(FileFormat::kJson, Columns(), 4), JsonSeed()},
      {Describe(FileFormat::kCsv, Columns(), 4), CsvSeed()}};
  for (uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937_64 random(seed);
    const auto& [description, text] = seeds[seed % 2];
    std::string damaged = text;
    for (uint64_t count = 1 + random() % 5; count > 0; --count) Mutate(random, damaged);
    ASSERT_NO_FATAL_FAILURE(CheckAnyCut(description, damaged, random));
  }
}

TEST(MutationTest, DamagedGzipNeverGivesOtherRowsWithoutAnError) {
  const SourceDescription description = Describe(FileFormat::kJson, Columns(), 4);
  const std::vector<std::string> good = ReadFrom(description, JsonSeed(), {}, 100).lines;
  const std::string raw = Gzip(JsonSeed());
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    std::string damaged = raw;
    damaged[2 + random() % (damaged.size() - 2)] ^= static_cast<char>(1 << random() % 8);
    const std::vector<std::string> lines = ReadFrom(description, damaged, {}, 100).lines;
    if (lines == good) continue;  // a bit that gzip does not use, such as the time of the file
    EXPECT_TRUE(lines.back().starts_with("DATA_LOSS")) << "seed " << seed << ": " << lines.back();
  }
}

}  // namespace
}  // namespace streamml::connectors
