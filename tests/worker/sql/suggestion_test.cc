#include "worker/sql/internal/suggestion.h"

#include <gtest/gtest.h>

namespace streamml::sql::internal {
namespace {

TEST(DidYouMean, NamesTheNearestCandidate) {
  EXPECT_EQ(DidYouMean("ammount", {"id", "amount", "at"}), "; did you mean amount?");
  EXPECT_EQ(DidYouMean("cardid", {"card_id", "card"}), "; did you mean card_id?");
}

TEST(DidYouMean, TakesCaseForNoDifference) {
  EXPECT_EQ(DidYouMean("cardid", {"CardId"}), "; did you mean \"CardId\"?");
}

TEST(DidYouMean, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(DidYouMean("xyz", {"amount", "id"}), "");
  EXPECT_EQ(DidYouMean("x", {}), "");
  EXPECT_EQ(DidYouMean(std::string(1000, 'a'), {std::string(1000, 'a')}), "");
}

TEST(QuoteName, QuotesWhatIsNotAPlainWord) {
  EXPECT_EQ(QuoteName("amount_1"), "amount_1");
  EXPECT_EQ(QuoteName("1st"), "\"1st\"");
  EXPECT_EQ(QuoteName("Amount"), "\"Amount\"");
  EXPECT_EQ(QuoteName("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(QuoteName("select"), "\"select\"");
  EXPECT_EQ(QuoteName(""), "\"\"");
}

TEST(QuotePath, QuotesTheNamesBetweenDots) {
  EXPECT_EQ(QuotePath("payments.dead"), "payments.dead");
  EXPECT_EQ(QuotePath("Odd.row"), "\"Odd\".\"row\"");
  EXPECT_EQ(QuotePath("a."), "a.\"\"");
}

}  // namespace
}  // namespace streamml::sql::internal
