#include "job/manifest/positions.h"

#include "gmock/gmock.h"
#include "tests/job/manifest/support.h"

namespace streamml::manifest {
namespace {

Manifest ParseOrDie(std::string_view yaml) {
  absl::StatusOr<Manifest> manifest = Parse(yaml, "job.yaml");
  EXPECT_TRUE(manifest.ok()) << manifest.status();
  return manifest.ok() ? *std::move(manifest) : Manifest{};
}

// Looks up the words of the view's query, each of which stands once in the file after "sql:".
void ExpectWordsFound(const std::string& sql, const std::vector<std::string>& words) {
  const std::string yaml = Edited(" SELECT at, amount * 2 AS twice, label FROM events\n", sql);
  const Manifest manifest = ParseOrDie(yaml);
  const std::string& text = manifest.job.spec().views(0).sql();
  for (const std::string& word : words) {
    const size_t in_file = yaml.find(word, yaml.find("sql:"));
    ASSERT_NE(text.find(word), std::string::npos) << word << " in " << text;
    EXPECT_EQ(manifest.positions.FindInText("spec.views[doubled].sql", text.find(word)),
              manifest.positions.At(in_file))
        << word << " in " << sql;
  }
}

TEST(Positions, CountLinesAndCharactersFromOne) {
  const Positions positions("ab\n\xC3\xA9x\n");
  EXPECT_EQ(positions.At(0), (Position{1, 1}));
  EXPECT_EQ(positions.At(2), (Position{1, 3}));
  EXPECT_EQ(positions.At(3), (Position{2, 1}));
  EXPECT_EQ(positions.At(5), (Position{2, 2}));
  EXPECT_EQ(positions.At(99), (Position{3, 1}));
  EXPECT_EQ(Positions().At(5), (Position{0, 0}));
}

TEST(Positions, EntriesAreFoundByIndexAndByName) {
  const Positions positions = ParseOrDie(kSmall).positions;
  const Position type{11, 28};
  EXPECT_EQ(positions.Find("spec.sources[0].columns[1].type"), type);
  EXPECT_EQ(positions.Find("spec.sources[events].columns[amount].type"), type);
  EXPECT_EQ(positions.Find("spec.sources[events].columns[1].type"), type);
}

TEST(Positions, WhatIsNotThereIsShownAtWhatIsAroundIt) {
  const Positions positions = ParseOrDie(kSmall).positions;
  EXPECT_EQ(positions.Find("spec.sources[events].onError.policy"), (Position{6, 5}));
  EXPECT_EQ(positions.Find("spec.sources[none].name"), (Position{6, 3}));
  EXPECT_EQ(positions.Find("nonsense"), (Position{1, 1}));
}

TEST(Positions, LiteralBlocksMapEveryCharacter) {
  ExpectWordsFound(" |\n      SELECT at,\n        amount AS twice,  label\n\n      FROM events\n",
                   {"SELECT", "at,", "amount", "twice", "label", "FROM", "events"});
  ExpectWordsFound(" |2-  # why\n\n\n      SELECT at\n      FROM  events\n",
                   {"SELECT", "FROM", "events"});
}

TEST(Positions, FoldedBlocksMapEveryWord) {
  ExpectWordsFound(" >-\n      SELECT at,\n      amount\n\n      FROM events\n",
                   {"SELECT", "at,", "amount", "FROM", "events"});
}

TEST(Positions, PlainAndQuotedTextsOverSeveralLinesMapEveryWord) {
  ExpectWordsFound(" SELECT at,\n      amount\n      FROM events\n",
                   {"SELECT", "amount", "events"});
  ExpectWordsFound(" 'SELECT ''a'',\n      amount FROM events'\n", {"SELECT", "amount", "events"});
  ExpectWordsFound(" \"SELECT \\\"at\\\",\\n\\\n      amount FROM\\tevents\"\n",
                   {"SELECT", "amount", "FROM", "events"});
}

TEST(Positions, AnchorsAreNotPartOfTheText) {
  ExpectWordsFound(" &query |\n      SELECT at\n      FROM events\n", {"SELECT", "FROM", "events"});
}

TEST(Positions, CarriageReturnsDoNotShiftLines) {
  ExpectWordsFound(" |\r\n      SELECT at,\r\n        amount\r\n      FROM events\r\n",
                   {"SELECT", "amount", "FROM"});
}

TEST(Positions, TheEndOfAQueryIsBehindItsLastWord) {
  const std::string yaml = Edited(" SELECT at, amount * 2 AS twice, label FROM events\n",
                                  " |\n      SELECT at\n      FROM\n\n\n");
  const Manifest manifest = ParseOrDie(yaml);
  const std::string& sql = manifest.job.spec().views(0).sql();
  EXPECT_EQ(manifest.positions.FindInText("spec.views[0].sql", sql.size()), (Position{18, 11}));
  EXPECT_EQ(manifest.positions.FindInText("spec.views[0].sql", sql.size() + 99),
            (Position{18, 11}));
}

TEST(Positions, WhatCannotBeFollowedIsShownAtItsBeginning) {
  const std::string yaml = Edited(" SELECT at, amount * 2 AS twice, label FROM events\n",
                                  " \"SELECT \\x61t FROM events\"\n");
  const Manifest manifest = ParseOrDie(yaml);
  EXPECT_EQ(manifest.job.spec().views(0).sql(), "SELECT at FROM events");
  EXPECT_EQ(manifest.positions.FindInText("spec.views[0].sql", 3), (Position{16, 14}));
  EXPECT_EQ(manifest.positions.FindInText("spec.views[0].sql", 12), (Position{16, 10}));
}

}  // namespace
}  // namespace streamml::manifest
