#include "worker/learn/encoder.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/worker/learn/support.h"

namespace streamml::learn {
namespace {

using data::Type;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<std::pair<uint32_t, double>> Pairs(Features features) {
  std::vector<std::pair<uint32_t, double>> pairs;
  for (const Feature& feature : features) pairs.emplace_back(feature.index, feature.value);
  return pairs;
}

std::unique_ptr<FeatureEncoder> Make(const FeatureSpec& spec, const data::Schema& schema,
                                     state::StateSet& states) {
  auto encoder = FeatureEncoder::Make(spec, schema, "model", states);
  EXPECT_TRUE(encoder.ok()) << encoder.status();
  return *std::move(encoder);
}

std::string Refusal(const FeatureSpec& spec, const data::Schema& schema) {
  state::StateSet states;
  const absl::Status status = FeatureEncoder::Make(spec, schema, "model", states).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(states.states().empty()) << "a refused encoder must not declare state";
  return std::string(status.message());
}

TEST(EncoderTest, NumbersComeInOrderOfTheSpecUnscaled) {
  const auto schema =
      MakeSchema({{"a", Type::kDouble}, {"b", Type::kBigint}, {"c", Type::kBoolean}});
  state::StateSet states;
  const auto encoder = Make({.numeric = {"c", "a", "b"}}, *schema, states);
  const data::Batch batch = ToBatch(schema, {{1.5, int64_t{-7}, true}});
  EXPECT_THAT(Pairs(encoder->Encode(batch, 0)),
              ElementsAre(Pair(0, 1.0), Pair(1, 1.5), Pair(2, -7.0)));
  EXPECT_FALSE(encoder->Observe(batch, 0)) << "nothing to observe without scaler and dictionary";
}

// River's StandardScaler on the first rows of its phishing set, row 3 after it was learned
// (oracle scalers-phishing): empty_server_form_handler, https, anchor_from_other_domain,
// is_popular.
TEST(EncoderTest, StandardScalingAgreesWithRiver) {
  const auto schema = MakeSchema(
      {{"a", Type::kDouble}, {"b", Type::kDouble}, {"c", Type::kDouble}, {"d", Type::kDouble}});
  state::StateSet states;
  const auto encoder =
      Make({.numeric = {"a", "b", "c", "d"}, .scale = Scale::kStandard}, *schema, states);
  const data::Batch batch =
      ToBatch(schema, {{0.0, 0.0, 0.0, 0.5}, {1.0, 0.5, 0.0, 0.5}, {0.0, 1.0, 0.5, 0.5}});
  EXPECT_THAT(Pairs(encoder->Encode(batch, 1)),
              ElementsAre(Pair(0, 0), Pair(1, 0), Pair(2, 0), Pair(3, 0)));
  for (size_t row = 0; row < 3; ++row) EXPECT_TRUE(encoder->Observe(batch, row));
  const Features x = encoder->Encode(batch, 2);
  const double expected[] = {-0.7071067811865476, 1.224744871391589, 1.4142135623730951, 0.0};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(x[i].value, expected[i], 1e-15) << i;
}

TEST(EncoderTest, MissingNumbersHaveNoFeatureAndDoNotMoveTheScaler) {
  const auto schema = MakeSchema({{"a", Type::kDouble}});
  state::StateSet states;
  const auto encoder = Make({.numeric = {"a"}, .scale = Scale::kStandard}, *schema, states);
  const data::Batch batch =
      ToBatch(schema, {{1.0}, {3.0}, {Null{}}, {kNaN}, {kInfinity}, {-kInfinity}});
  for (size_t row = 0; row < 6; ++row) encoder->Observe(batch, row);
  for (size_t row = 2; row < 6; ++row)
    EXPECT_THAT(Pairs(encoder->Encode(batch, row)), ElementsAre());
  EXPECT_EQ(encoder->moments(0).count, 2u);
  EXPECT_EQ(encoder->moments(0).mean, 2.0);
  EXPECT_EQ(encoder->moments(0).variance, 1.0);
  EXPECT_EQ(encoder->counts().not_finite, 3u) << "NULL is not a broken number";
}

TEST(EncoderTest, ValuesAtTheEndOfTheRangeStayFinite) {
  const auto schema = MakeSchema({{"a", Type::kDouble}});
  state::StateSet states;
  const auto encoder = Make({.numeric = {"a"}, .scale = Scale::kStandard}, *schema, states);
  const data::Batch batch = ToBatch(schema, {{1e308}, {-1e308}, {1.0}, {2.0}, {5e-324}});
  for (size_t row = 0; row < 5; ++row) {
    encoder->Observe(batch, row);
    for (const Feature& feature : encoder->Encode(batch, row))
      EXPECT_TRUE(std::isfinite(feature.value));
  }
}

TEST(EncoderTest, MissingIndicatorIsAFeatureOfItsOwn) {
  const auto schema = MakeSchema({{"a", Type::kDouble}, {"b", Type::kDouble}});
  state::StateSet states;
  const auto encoder = Make({.numeric = {"a", "b"}, .missing_indicator = true}, *schema, states);
  const data::Batch batch = ToBatch(schema, {{Null{}, 2.0}, {1.0, kNaN}});
  EXPECT_THAT(Pairs(encoder->Encode(batch, 0)), ElementsAre(Pair(1, 2.0), Pair(2, 1.0)));
  EXPECT_THAT(Pairs(encoder->Encode(batch, 1)), ElementsAre(Pair(0, 1.0), Pair(3, 1.0)));
  EXPECT_EQ(encoder->IndexOf("b is missing"), 3u);
}

TEST(EncoderTest, DictionaryGivesIndexesInOrderOfAppearance) {
  const auto schema = MakeSchema({{"n", Type::kDouble}, {"t", Type::kText}});
  state::StateSet states;
  const auto encoder =
      Make({.numeric = {"n"}, .categorical = {{"t"}}, .hash_bits = 0}, *schema, states);
  const data::Batch batch = ToBatch(schema, {{1.0, "x"}, {1.0, "y"}, {1.0, "x"}, {1.0, Null{}}});
  EXPECT_THAT(Pairs(encoder->Encode(batch, 0)), ElementsAre(Pair(0, 1.0)))
      << "unknown while scoring";
  EXPECT_TRUE(encoder->Observe(batch, 0));
  EXPECT_TRUE(encoder->Observe(batch, 1));
  EXPECT_FALSE(encoder->Observe(batch, 2));
  EXPECT_EQ(encoder->IndexOf("t=x"), 2u);  // 1 is "unseen"
  EXPECT_EQ(encoder->IndexOf("t=y"), 3u);
  EXPECT_EQ(encoder->IndexOf("t=z"), std::nullopt);
  EXPECT_THAT(Pairs(encoder->Encode(batch, 2)), ElementsAre(Pair(0, 1.0), Pair(2, 1.0)));
  EXPECT_THAT(Pairs(encoder->Encode(batch, 3)), ElementsAre(Pair(0, 1.0))) << "NULL leaves it out";
}

TEST(EncoderTest, NamesBeyondTheBoundShareOneFeatureAndAreCounted) {
  const auto schema = MakeSchema({{"t", Type::kText}});
  state::StateSet states;
  const auto encoder =
      Make({.categorical = {{"t"}}, .hash_bits = 0, .dictionary_bound = 2}, *schema, states);
  const data::Batch batch = ToBatch(schema, {{"a"}, {"b"}, {"c"}, {"d"}});
  for (size_t row = 0; row < 4; ++row) encoder->Observe(batch, row);
  EXPECT_EQ(encoder->IndexOf("t=a"), 1u);
  EXPECT_EQ(encoder->IndexOf("t=b"), 2u);
  EXPECT_EQ(encoder->IndexOf("t=c"), 0u);
  EXPECT_EQ(encoder->IndexOf("t=d"), 0u);
  EXPECT_EQ(encoder->counts().overflowed, 2u);
}

TEST(EncoderTest, CrossJoinsItsPartsAndIsLeftOutWithANullPart) {
  const auto schema = MakeSchema({{"a", Type::kText}, {"h", Type::kDouble}});
  state::StateSet states;
  const auto encoder = Make({.categorical = {{"a"}, {"a", "h"}}, .hash_bits = 0}, *schema, states);
  const data::Batch batch = ToBatch(schema, {{"x", 13.0}, {"x", Null{}}});
  encoder->Observe(batch, 0);
  EXPECT_EQ(encoder->IndexOf("a=x"), 1u);
  EXPECT_EQ(encoder->IndexOf("a=x\x1Fh=13"), 2u);
  EXPECT_THAT(Pairs(encoder->Encode(batch, 0)), ElementsAre(Pair(1, 1.0), Pair(2, 1.0)));
  EXPECT_THAT(Pairs(encoder->Encode(batch, 1)), ElementsAre(Pair(1, 1.0)));
}

TEST(EncoderTest, ValuesOfEveryTypeHaveTexts) {
  const auto schema =
      MakeSchema({{"b", Type::kBoolean}, {"i", Type::kBigint}, {"d", Type::kDouble}});
  state::StateSet states;
  const auto encoder =
      Make({.categorical = {{"b"}, {"i"}, {"d"}}, .hash_bits = 0}, *schema, states);
  const data::Batch batch = ToBatch(schema, {{true, int64_t{-5}, 0.1}, {false, int64_t{0}, -0.0}});
  encoder->Observe(batch, 0);
  encoder->Observe(batch, 1);
  for (const char* name : {"b=true", "i=-5", "d=0.1", "b=false", "i=0", "d=0"}) {
    EXPECT_TRUE(encoder->IndexOf(name).has_value()) << name;
  }
}

// The index of a name is stored with weights: XXH3 (by the Python package xxhash, seed
// 0x53747265616D4D4C) of "t=x".
TEST(EncoderTest, HashedIndexesAreFrozen) {
  const auto schema = MakeSchema({{"n", Type::kDouble}, {"t", Type::kText}});
  state::StateSet states;
  const auto encoder =
      Make({.numeric = {"n"}, .categorical = {{"t"}}, .hash_bits = 20}, *schema, states);
  EXPECT_EQ(encoder->IndexOf("t=x"), 562615u);
  EXPECT_EQ(encoder->IndexOf("n"), 0u);
}

TEST(EncoderTest, NamesThatCollideInARowAddUp) {
  const auto schema = MakeSchema({{"a", Type::kText}, {"b", Type::kText}, {"c", Type::kText}});
  state::StateSet states;
  const auto encoder =
      Make({.categorical = {{"a"}, {"b"}, {"c"}}, .hash_bits = 1, .report_collisions = true},
           *schema, states);
  const data::Batch batch = ToBatch(schema, {{"x", "y", "z"}});
  double sum = 0;
  uint32_t previous = 0;
  const Features x = encoder->Encode(batch, 0);
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_TRUE(i == 0 || x[i].index > previous) << "indexes are unique and ascend";
    previous = x[i].index;
    sum += x[i].value;
  }
  EXPECT_LE(x.size(), 2u);
  EXPECT_EQ(sum, 3.0);
  encoder->Observe(batch, 0);
  encoder->Observe(batch, 0);
  EXPECT_EQ(encoder->counts().occurrences, 6u);
  EXPECT_EQ(encoder->counts().colliding, 2 * (3 - x.size()));
}

TEST(EncoderTest, StateGoesThroughSaveAndLoad) {
  const auto schema = MakeSchema({{"n", Type::kDouble}, {"t", Type::kText}});
  const FeatureSpec spec = {
      .numeric = {"n"}, .scale = Scale::kStandard, .categorical = {{"t"}}, .hash_bits = 0};
  const data::Batch batch = ToBatch(schema, {{1.0, "x"}, {4.0, "y"}, {2.0, "z"}});
  state::StateSet states, restored_states;
  const auto encoder = Make(spec, *schema, states);
  for (size_t row = 0; row < 2; ++row) encoder->Observe(batch, row);
  SavedStates saved;
  Save(states, saved);
  const auto restored = Make(spec, *schema, restored_states);
  Restore(saved, restored_states);
  encoder->Observe(batch, 2);
  restored->Observe(batch, 2);
  for (size_t row = 0; row < 3; ++row) {
    EXPECT_EQ(Pairs(encoder->Encode(batch, row)), Pairs(restored->Encode(batch, row)));
  }
  EXPECT_EQ(restored->IndexOf("t=z"), 4u);
}

TEST(EncoderTest, SchemaHashChangesWithEverythingThatGivesIndexesMeaning) {
  const auto schema = MakeSchema({{"a", Type::kDouble}, {"b", Type::kDouble}, {"t", Type::kText}});
  const FeatureSpec base = {.numeric = {"a", "b"}, .categorical = {{"t"}}};
  std::vector<FeatureSpec> others(6, base);
  others[0].numeric = {"b", "a"};
  others[1].scale = Scale::kStandard;
  others[2].categorical = {{"t"}, {"t", "a"}};
  others[3].hash_bits = 17;
  others[4].missing_indicator = true;
  others[5].numeric = {"a"};
  state::StateSet states;
  const uint64_t hash = Make(base, *schema, states)->schema_hash();
  for (const FeatureSpec& other : others) {
    state::StateSet own;
    EXPECT_NE(Make(other, *schema, own)->schema_hash(), hash);
  }
  FeatureSpec same = base;
  same.dictionary_bound = 7;
  state::StateSet own;
  EXPECT_EQ(Make(same, *schema, own)->schema_hash(), hash);
}

TEST(EncoderTest, WrongSpecsAreRefusedByName) {
  const data::Schema schema(
      {{"amount", Type::kDouble}, {"at", Type::kTimestamp}, {"card", Type::kText}});
  EXPECT_EQ(Refusal({}, schema),
            "features: numeric, categorical: both are empty; name at least one column");
  EXPECT_THAT(Refusal({.numeric = {"amuont"}}, schema),
              HasSubstr("column 'amuont' is not in the scored relation; did you mean 'amount'?"));
  EXPECT_EQ(Refusal({.numeric = {"card"}}, schema),
            "features: numeric: column 'card' is text; allowed: boolean, bigint, double precision");
  EXPECT_THAT(Refusal({.numeric = {"at"}}, schema), HasSubstr("extract("));
  EXPECT_THAT(Refusal({.categorical = {{"at"}}}, schema), HasSubstr("column 'at' is timestamp"));
  EXPECT_THAT(Refusal({.numeric = {"amount", "amount"}}, schema), HasSubstr("listed twice"));
  EXPECT_THAT(Refusal({.categorical = {{"card"}, {"card"}}}, schema), HasSubstr("listed twice"));
  EXPECT_THAT(Refusal({.categorical = {{"card", "card"}}}, schema),
              HasSubstr("twice in one cross"));
  EXPECT_THAT(Refusal({.categorical = {{}}}, schema), HasSubstr("names no column"));
  EXPECT_THAT(Refusal({.numeric = {"amount"}, .hash_bits = 31}, schema), HasSubstr("hashBits: 31"));
  EXPECT_THAT(Refusal({.numeric = {"amount"}, .hash_bits = 0, .dictionary_bound = 0}, schema),
              HasSubstr("dictionaryLimit: 0"));
}

}  // namespace
}  // namespace streamml::learn
