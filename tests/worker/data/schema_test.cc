#include "worker/data/schema.h"

#include <gtest/gtest.h>

namespace streamml::data {
namespace {

TEST(SchemaTest, TypeNamesAreReadBackAsTheType) {
  for (const Type type :
       {Type::kBoolean, Type::kBigint, Type::kDouble, Type::kText, Type::kTimestamp}) {
    EXPECT_EQ(TypeFromName(TypeName(type)), type) << TypeName(type);
  }
}

TEST(SchemaTest, UsualSynonymsAreTypesAndOtherNamesAreNot) {
  EXPECT_EQ(TypeFromName("bool"), Type::kBoolean);
  EXPECT_EQ(TypeFromName("int8"), Type::kBigint);
  EXPECT_EQ(TypeFromName("float8"), Type::kDouble);
  EXPECT_EQ(TypeFromName("double"), Type::kDouble);
  EXPECT_EQ(TypeFromName("varchar"), Type::kText);
  EXPECT_EQ(TypeFromName("integer"), std::nullopt);
  EXPECT_EQ(TypeFromName("numeric"), std::nullopt);
  EXPECT_EQ(TypeFromName(""), std::nullopt);
}

TEST(SchemaTest, FindIsExact) {
  const Schema schema({{"id", Type::kText}, {"at", Type::kTimestamp}});
  EXPECT_EQ(schema.Find("at"), 1U);
  EXPECT_EQ(schema.Find("At"), std::nullopt);
}

TEST(SchemaTest, HashChangesWithNameTypeAndOrder) {
  const uint64_t hash = Schema({{"a", Type::kText}, {"b", Type::kText}}).Hash();
  EXPECT_EQ(hash, Schema({{"a", Type::kText}, {"b", Type::kText}}).Hash());
  EXPECT_NE(hash, Schema({{"b", Type::kText}, {"a", Type::kText}}).Hash());
  EXPECT_NE(hash, Schema({{"a", Type::kText}, {"b", Type::kBigint}}).Hash());
  EXPECT_NE(hash, Schema({{"a", Type::kText}, {"c", Type::kText}}).Hash());
  EXPECT_NE(Schema({{"ab", Type::kText}}).Hash(), Schema({{"a", Type::kText}}).Hash());
}

}  // namespace
}  // namespace streamml::data
