// Manifests that want to harm: none may crash, hang or take much memory.
#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "tests/job/manifest/support.h"

namespace streamml::manifest {
namespace {

using testing::HasSubstr;

std::string Repeated(std::string_view text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result.append(text);
  return result;
}

TEST(Hostile, DeepNestingIsRefused) {
  for (std::string_view text : {"[", "{a: ", "- ", "? ", "&a [", "a: {"}) {
    EXPECT_FALSE(Parse(Repeated(text, 20'000), "x").ok()) << text;
  }
  EXPECT_THAT(Parse(Repeated("[", 20'000), "x").status().message(), HasSubstr("nested too deep"));
}

TEST(Hostile, AliasesThatMultiplyAreRefused) {
  std::string bomb = "spec: {workers: {podTemplate: {a0: &a0 [x, x, x, x, x, x, x, x, x, x]";
  for (int i = 1; i < 20; ++i) {
    const std::string alias = absl::StrCat("*a", i - 1, " ,");
    absl::StrAppend(&bomb, ", a", i, ": &a", i, " [", Repeated(alias, 10), "]");
  }
  EXPECT_THAT(Parse(bomb + "}}}\n", "x").status().message(), HasSubstr("more than 100000 values"));
}

TEST(Hostile, ChainsOfAliasesAreRefusedBeforeTheStackEnds) {
  std::string chain = "spec: {workers: {podTemplate: {a0: &a0 [x]";
  for (int i = 1; i < 5'000; ++i) {
    absl::StrAppend(&chain, ", a", i, ": &a", i, " [*a", i - 1, " ]");
  }
  EXPECT_THAT(Parse(chain + "}}}\n", "x").status().message(), HasSubstr("nested more than 32"));
}

TEST(Hostile, AnAliasWithinItsAnchorIsRefused) {
  EXPECT_THAT(Parse("spec: &a {workers: *a }\n", "x").status().message(),
              HasSubstr("within its own anchor"));
}

TEST(Hostile, WhatIsLeftBehindADocumentIsRefused) {
  for (std::string_view text : {"{},", "{}, {}", "[], ", "{a: b}]", "a: b\n...\n,"}) {
    EXPECT_FALSE(Parse(text, "x").ok()) << text;
  }
  EXPECT_THAT(Parse(absl::StrCat(kSmall, "---\n---\n---\n"), "x").status().message(),
              HasSubstr("more than one document"));
}

TEST(Hostile, TooLargeManifestsAreRefused) {
  EXPECT_THAT(Parse(std::string(kMaxManifestBytes + 1, ' '), "x").status().message(),
              HasSubstr("1048577 bytes; allowed are 1048576"));
  EXPECT_THAT(Parse(std::string(kMaxManifestBytes - 1, 'k') + ":", "x").status().message(),
              HasSubstr("x:1:"));
  EXPECT_THAT(Parse(Edited("small}", std::string(600'000, 'x') + "}"), "x").status().message(),
              HasSubstr("text of 600000 bytes; allowed are 40"));
}

TEST(Hostile, ValuesInMessagesAreCutAndEscaped) {
  const std::string mistake(
      Parse(Edited("format: json", "format: \"" + std::string(900, 'j') + "\\a\""), "x")
          .status()
          .message());
  EXPECT_LT(mistake.size(), 300u);
  EXPECT_THAT(Parse(Edited("format: json", "format: \"\\a\""), "x").status().message(),
              HasSubstr("unknown value '\\x07'"));
}

// A fixed generator (SplitMix64), so that every run tries the same mutants.
class Generator {
 public:
  explicit Generator(uint64_t seed) : state_(seed) {}
  size_t Below(size_t bound) {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return static_cast<size_t>((z ^ (z >> 31)) % bound);
  }

 private:
  uint64_t state_;
};

// Replaces, removes, repeats and moves pieces, with words that mean something to YAML.
std::string Mutant(std::string text, Generator& random) {
  constexpr std::string_view kWords[] = {"[",  "]",  "{",   "}",   ": ",   "- ", "\n", "\n  ", "|",
                                         ">-", "&a", "*a ", "'",   "\"",   "\\", "#",  "? ",   "~",
                                         "0",  "-1", "on",  "---", "<<: ", "!",  "\t", "\xC3", "%"};
  for (size_t edits = 1 + random.Below(4); edits > 0; --edits) {
    const size_t at = random.Below(text.size());
    const size_t size = random.Below(24);
    switch (random.Below(4)) {
      case 0:
        text.insert(at, kWords[random.Below(std::size(kWords))]);
        break;
      case 1:
        text.erase(at, size);
        break;
      case 2:
        text.insert(random.Below(text.size()), text.substr(at, size));
        break;
      default:
        text.replace(at, size, kWords[random.Below(std::size(kWords))]);
        break;
    }
    if (text.empty()) text = " ";
  }
  return text;
}

TEST(Hostile, MutantsOfManifestsEndInAManifestOrAMessage) {
  const std::string seeds[] = {std::string(kSmall), ReadFile(DataPath("design.yaml")),
                               ReadFile(DataPath("good/windows.yaml"))};
  Generator random(1);
  int accepted = 0;
  for (int round = 0; round < 1'000; ++round) {
    const std::string mutant = Mutant(seeds[round % std::size(seeds)], random);
    const absl::StatusOr<Manifest> manifest = Parse(mutant, "x");
    if (!manifest.ok()) {
      EXPECT_EQ(manifest.status().code(), absl::StatusCode::kInvalidArgument) << mutant;
      EXPECT_THAT(manifest.status().message(), HasSubstr("x:")) << mutant;
      continue;
    }
    ++accepted;
    for (const Diagnostic& diagnostic : Validate(*manifest)) {
      EXPECT_GT(diagnostic.position.line, 0) << mutant;
      EXPECT_FALSE(diagnostic.message.empty()) << mutant;
    }
  }
  // Else the mutants would not reach Validate, or not the refusals.
  EXPECT_GT(accepted, 50);
  EXPECT_LT(accepted, 950);
}

}  // namespace
}  // namespace streamml::manifest
