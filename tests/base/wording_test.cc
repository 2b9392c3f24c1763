#include "base/wording.h"

#include <gtest/gtest.h>

#include <vector>

namespace streamml {
namespace {

using Words = std::vector<std::string>;

TEST(Quoted, EscapesControlCharactersAndCutsLongTextsBetweenCharacters) {
  EXPECT_EQ(Quoted("a\nb"), "'a\\nb'");
  EXPECT_EQ(Quoted("für"), "'für'");
  EXPECT_EQ(Quoted(std::string(61, 'x')), "'" + std::string(60, 'x') + "...'");
  EXPECT_EQ(Quoted(std::string(59, 'x') + "ü"), "'" + std::string(59, 'x') + "...'");
}

TEST(DidYouMean, NamesTheNearestWord) {
  EXPECT_EQ(DidYouMean("ammount", Words{"id", "amount", "at"}), "; did you mean 'amount'?");
  EXPECT_EQ(DidYouMean("paymnets", Words{"payment", "payments"}), "; did you mean 'payments'?");
}

TEST(DidYouMean, TakesCaseForNoDifference) {
  EXPECT_EQ(DidYouMean("FTRL", Words{"sgd", "ftrl"}), "; did you mean 'ftrl'?");
}

TEST(DidYouMean, TakesTwoSwappedLettersForOneMistake) {
  EXPECT_EQ(*Nearest("sdg", Words{"sad", "sgd"}), "sgd");
}

TEST(DidYouMean, NamesTheFirstOfEquals) { EXPECT_EQ(*Nearest("cat", Words{"hat", "bat"}), "hat"); }

TEST(DidYouMean, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(DidYouMean("xyz", Words{"amount", "id"}), "");
  EXPECT_EQ(DidYouMean("x", Words{"a"}), "");
  EXPECT_EQ(DidYouMean("", Words{"a"}), "");
  EXPECT_EQ(DidYouMean("x", Words{}), "");
  EXPECT_EQ(DidYouMean(std::string(65, 'a'), Words{std::string(65, 'a')}), "");
  EXPECT_EQ(DidYouMean("a lot of other words", Words{"a lot of these lines"}), "");
}

}  // namespace
}  // namespace streamml
