#include "worker/cli/token.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace streamml::cli {
namespace {

constexpr int64_t kNowMs = 1'772'323'200'000;
constexpr int64_t kFiveMinutesMs = 300'000;

std::string Token(const std::string& claims) {
  return absl::StrCat("eyJhbGciOiJub25lIn0.", absl::WebSafeBase64Escape(claims), ".c2ln");
}

TEST(ReadTokenTest, AJsonWebTokenSaysWhomItIsAboutAndWhenItEnds) {
  const std::string text = Token(R"({"iss":"x","sub":"alice","exp":1772326800})");
  const log::KafkaToken token = ReadToken(text + "\n", kNowMs);
  EXPECT_EQ(token.text, text);
  EXPECT_EQ(token.principal, "alice");
  EXPECT_EQ(token.end_ms, 1'772'326'800'000);
  EXPECT_EQ(ReadToken(Token(R"({"exp":1772326800.5})"), kNowMs).end_ms, 1'772'326'800'500);
}

TEST(ReadTokenTest, WhatSaysNothingIsReadAgainInFiveMinutes) {
  for (const std::string& text :
       {std::string("opaque"), Token("not json"), Token("[1]"), Token(R"({"exp":"soon"})"),
        Token(R"({"exp":1e300})"), Token(R"({"exp":-1})"), std::string("a.!!.c"), std::string()}) {
    const log::KafkaToken token = ReadToken(text, kNowMs);
    EXPECT_EQ(token.text, text);
    EXPECT_EQ(token.principal, "streamml");
    EXPECT_EQ(token.end_ms, kNowMs + kFiveMinutesMs) << text;
  }
}

}  // namespace
}  // namespace streamml::cli
