// Partitioners against values that the programs which define them give.
#include "worker/connectors/partitioner.h"

#include <gtest/gtest.h>

namespace streamml::connectors {
namespace {

// The values of Kafka's own UtilsTest, without their sign bit.
TEST(Partitioner, Murmur2IsThatOfKafkasClients) {
  constexpr uint32_t kAll = 0x80000000;  // so that the whole hash shows
  const auto hash = [](std::string_view key) {
    return PartitionOfKey(Partitioner::kMurmur2, key, kAll);
  };
  const auto positive = [](int64_t value) { return static_cast<uint32_t>(value & 0x7FFFFFFF); };
  EXPECT_EQ(hash("21"), positive(-973932308));
  EXPECT_EQ(hash("foobar"), positive(-790332482));
  EXPECT_EQ(hash("a-little-bit-long-string"), positive(-985981536));
  EXPECT_EQ(hash("a-little-bit-longer-string"), positive(-1486304829));
  EXPECT_EQ(hash("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), positive(-58897971));
  EXPECT_EQ(hash("abc"), positive(479470107));
}

// The check values of the algorithms' catalogues.
TEST(Partitioner, Crc32AndFnv1aAreTheUsualOnes) {
  EXPECT_EQ(PartitionOfKey(Partitioner::kCrc32, "123456789", 0xFFFFFFFF), 0xCBF43926);
  EXPECT_EQ(PartitionOfKey(Partitioner::kFnv1a, "a", 0xFFFFFFFF), 0u - 0xE40C292C);
  EXPECT_EQ(PartitionOfKey(Partitioner::kFnv1a, "foobar", 0xFFFFFFFF), 0u - 0xBF9CF968);
}

TEST(Partitioner, APartitionIsBelowTheirNumber) {
  for (const char* name : {"murmur2", "crc32", "fnv1a"}) {
    const auto partitioner = FindPartitioner(name);
    ASSERT_TRUE(partitioner.has_value());
    EXPECT_EQ(PartitionerName(*partitioner), name);
    for (const char* key : {"", "a", "ab", "abc", "abcd", "\xFF\xFE"}) {
      EXPECT_LT(PartitionOfKey(*partitioner, key, 3), 3u);
      EXPECT_EQ(PartitionOfKey(*partitioner, key, 1), 0u);
    }
  }
  EXPECT_FALSE(FindPartitioner("random").has_value());
}

}  // namespace
}  // namespace streamml::connectors
