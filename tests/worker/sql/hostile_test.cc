// Texts that no user would write: they are refused with a place, never with a crash.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/worker/sql/golden.h"
#include "tests/worker/sql/laws.h"

namespace streamml::sql {
namespace {

std::string Repeat(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

// OK, or an error a user can act on with a place inside the text.
void ExpectOrderly(const std::string& sql) {
  const auto plan = Analyze(sql, TestCatalog());
  if (plan.ok()) {
    EXPECT_FALSE(ToString(**plan).empty());
    return;
  }
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument) << sql << "\n"
                                                                      << plan.status();
  EXPECT_GE(ErrorOffset(plan.status()), 0) << sql;
  EXPECT_LE(ErrorOffset(plan.status()), static_cast<int>(sql.size())) << sql;
  EXPECT_FALSE(plan.status().message().empty()) << sql;
}

void ExpectRefused(const std::string& sql) {
  EXPECT_FALSE(Analyze(sql, TestCatalog()).ok()) << sql.substr(0, 60);
  ExpectOrderly(sql);
}

TEST(HostileSql, DeepNestingIsRefused) {
  for (const int depth : {300, 1'000, 3'000, 30'000}) {
    ExpectRefused(absl::StrCat("SELECT 1", Repeat("+1", depth), " AS x FROM payments"));
    ExpectRefused(absl::StrCat("SELECT ", Repeat("- ", depth), "amount AS x FROM payments"));
    ExpectRefused(absl::StrCat("SELECT id", Repeat("[1]", depth), " AS x FROM payments"));
  }
  for (const int depth : {300, 1'000, 3'000}) {
    ExpectRefused(absl::StrCat("SELECT id", Repeat("||id", depth), " AS x FROM payments"));
    ExpectRefused(absl::StrCat("SELECT ", Repeat("NOT ", depth), "online AS x FROM payments"));
    ExpectRefused(
        absl::StrCat("SELECT ", Repeat("abs(", depth), "1", Repeat(")", depth), " FROM payments"));
    ExpectRefused(
        absl::StrCat("SELECT id", Repeat("::text::timestamp", depth), " AS x FROM payments"));
    ExpectRefused(absl::StrCat("SELECT online", Repeat(" IS NULL", depth), " AS x FROM payments"));
    ExpectRefused(absl::StrCat(Repeat("SELECT * FROM (", depth), "SELECT * FROM payments",
                               Repeat(")", depth)));
  }
  ExpectOrderly(absl::StrCat("SELECT ", Repeat("(", 30'000), "1", Repeat(")", 30'000),
                             " AS x FROM payments"));
}

TEST(HostileSql, AHundredThousandParenthesesAreTooLong) {
  ExpectRefused(absl::StrCat("SELECT ", Repeat("(", 100'000), "1", Repeat(")", 100'000),
                             " AS x FROM payments"));
}

TEST(HostileSql, DeepNestingIsRefusedOnAThreadToo) {
  std::thread([] {
    ExpectRefused(absl::StrCat("SELECT 1", Repeat("+1", 30'000), " AS x FROM payments"));
    ExpectRefused(absl::StrCat("SELECT ", Repeat("- ", 30'000), "amount AS x FROM payments"));
  }).join();
}

TEST(HostileSql, WideListsAreFine) {
  const std::string wide =
      absl::StrCat("SELECT id FROM payments WHERE cents IN (1", Repeat(", 7", 10'000), ")");
  EXPECT_TRUE(Analyze(wide, TestCatalog()).ok());
  const std::string chain =
      absl::StrCat("SELECT id FROM payments WHERE online", Repeat(" AND online", 4'000));
  EXPECT_TRUE(Analyze(chain, TestCatalog()).ok());
}

// BETWEEN and CASE x WHEN copy an operand; nested they would copy it without end.
TEST(HostileSql, CopiesOfCopiesAreBounded) {
  std::string between = "cents";
  for (int i = 0; i < 60; ++i)
    between = absl::StrCat("CAST(", between, " BETWEEN 0 AND 1 AS bigint)");
  ExpectRefused(absl::StrCat("SELECT ", between, " AS x FROM payments"));
  std::string chosen = "cents";
  for (int i = 0; i < 30; ++i)
    chosen = absl::StrCat("CASE ", chosen, " WHEN 1 THEN 2 WHEN 2 THEN 3 ELSE 4 END");
  ExpectRefused(absl::StrCat("SELECT ", chosen, " AS x FROM payments"));
}

TEST(HostileSql, TextsThatAreNotTextAreRefused) {
  ExpectRefused("");
  ExpectRefused(" ;; ");
  ExpectRefused(std::string("SELECT \0 FROM payments", 22));
  ExpectRefused("SELECT '\xff' AS x FROM payments");
  ExpectRefused("SELECT '\xc3");
  ExpectRefused("SELECT E'\\xff' AS x FROM payments");
  ExpectRefused(std::string(64 * 1024 + 1, ' '));
  const auto invalid = Analyze("SELECT 'caf\xc3\xa9\xc3(' AS x FROM payments", TestCatalog());
  EXPECT_EQ(ErrorOffset(invalid.status()), 13);
}

TEST(HostileSql, OffsetsCountBytesNotCharacters) {
  const std::string sql = "SELECT 'é€𝄞' AS a, nope FROM payments";
  EXPECT_EQ(ErrorOffset(Analyze(sql, TestCatalog()).status()), static_cast<int>(sql.find("nope")));
  const std::string broken = "SELECT 'é€𝄞' AS a, ] FROM payments";
  EXPECT_EQ(ErrorOffset(Analyze(broken, TestCatalog()).status()),
            static_cast<int>(broken.find(']')));
}

// Words, numbers, strings and signs of the cases, in classes: swapping within a class often keeps
// the grammar, so that the analyzer gets to see the result.
enum class TokenClass : uint8_t { kWord, kNumber, kString, kSign, kBlank };

TokenClass ClassOf(char first) {
  if (absl::ascii_isalpha(static_cast<unsigned char>(first)) || first == '_' || first == '"')
    return TokenClass::kWord;
  if (absl::ascii_isdigit(static_cast<unsigned char>(first))) return TokenClass::kNumber;
  if (first == '\'') return TokenClass::kString;
  return absl::ascii_isspace(static_cast<unsigned char>(first)) ? TokenClass::kBlank
                                                                : TokenClass::kSign;
}

std::vector<std::string> Tokens(const std::string& text) {
  std::vector<std::string> tokens;
  size_t begin = 0;
  while (begin < text.size()) {
    const TokenClass kind = ClassOf(text[begin]);
    size_t end = begin + 1;
    const bool is_quoted = kind == TokenClass::kString || text[begin] == '"';
    if (is_quoted) end = std::min(text.find(text[begin], end), text.size() - 1) + 1;
    while (!is_quoted && kind != TokenClass::kSign && end < text.size() &&
           ClassOf(text[end]) == kind)
      ++end;
    tokens.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return tokens;
}

// Pieces of the cases, put together in ways nobody meant.
class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {
    for (const GoldenCase& golden : LoadCases()) {
      if (golden.sql.empty()) continue;
      texts_.push_back(golden.sql);
      for (const std::string& token : Tokens(golden.sql))
        words_[ClassOf(token[0])].push_back(token);
    }
  }

  // Tokens replaced by others of their class.
  std::string SwapTokens() {
    std::vector<std::string> tokens = Tokens(texts_[Below(texts_.size())]);
    for (size_t steps = 1 + Below(3); steps > 0; --steps) {
      std::string& token = tokens[Below(tokens.size())];
      const std::vector<std::string>& others = words_[ClassOf(token[0])];
      token = others[Below(others.size())];
    }
    return absl::StrJoin(tokens, "");
  }

  // Bytes erased, inserted, doubled and overwritten.
  std::string BreakBytes() {
    std::string text = texts_[Below(texts_.size())];
    for (size_t steps = 1 + Below(4); steps > 0; --steps) BreakOnce(text);
    return text;
  }

 private:
  size_t Below(size_t bound) { return random_() % bound; }

  void BreakOnce(std::string& text) {
    if (text.empty()) return;
    const size_t at = Below(text.size());
    const size_t length = 1 + Below(12);
    const std::string& other = texts_[Below(texts_.size())];
    const std::string piece = other.substr(Below(other.size()), 1 + Below(24));
    switch (Below(5)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, piece);
        break;
      case 2:
        text.replace(at, length, piece);
        break;
      case 3:
        text[at] = static_cast<char>(1 + Below(255));
        break;
      default:
        text.insert(at, text.substr(at, length));
        break;
    }
  }

  std::mt19937 random_;
  std::vector<std::string> texts_;
  std::map<TokenClass, std::vector<std::string>> words_;
};

constexpr uint32_t kSeed = 20261123;

TEST(HostileSql, BrokenTextsAreAnsweredInOrder) {
  SCOPED_TRACE(absl::StrCat("seed ", kSeed));
  Mutator mutator(kSeed);
  for (int i = 0; i < 5'000 && !testing::Test::HasFailure(); ++i)
    ExpectOrderly(mutator.BreakBytes());
}

TEST(HostileSql, SwappedTokensAreAnsweredInOrderAndPlansKeepTheLaws) {
  SCOPED_TRACE(absl::StrCat("seed ", kSeed));
  Mutator mutator(kSeed);
  int plans = 0;
  for (int i = 0; i < 4'000 && !testing::Test::HasFailure(); ++i) {
    const std::string sql = mutator.SwapTokens();
    SCOPED_TRACE(sql);
    ExpectOrderly(sql);
    const auto plan = Analyze(sql, TestCatalog());
    if (!plan.ok()) continue;
    ++plans;
    CheckPlan(**plan);
  }
  EXPECT_GT(plans, 400);  // else the mutations would only test the grammar
}

}  // namespace
}  // namespace streamml::sql
