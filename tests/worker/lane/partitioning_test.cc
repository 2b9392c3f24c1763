// What is promised of a topic's partitions is checked row by row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/worker/lane/fake_topics.h"
#include "worker/lane/topic_input.h"

namespace streamml::lane {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr uint32_t kPartitions = 4;

class PartitioningTest : public testing::Test {
 protected:
  std::unique_ptr<Input> Open(uint32_t partition, std::vector<size_t> columns = {0}) {
    TopicInputSpec spec;
    spec.rules.source_name = "events";
    spec.rules.description.columns = {{"card", data::Type::kText, "", {}},
                                      {"n", data::Type::kBigint, "", {}}};
    spec.rules.description.schema = schema_;
    spec.rules.on_error = OnError::kSkip;
    spec.topic = "events";
    spec.partition = partition;
    spec.partitioning =
        Partitioning{std::move(columns), connectors::Partitioner::kMurmur2, kPartitions};
    return MakeTopicInput(std::move(spec), topics_);
  }
  // Keys whose records belong into the partition.
  static std::vector<std::string> Keys(uint32_t partition, size_t count) {
    std::vector<std::string> keys;
    for (int i = 0; keys.size() < count; ++i) {
      const std::string key = absl::StrCat("c", i);
      if (connectors::PartitionOfKey(connectors::Partitioner::kMurmur2, key, kPartitions) ==
          partition) {
        keys.push_back(key);
      }
    }
    return keys;
  }
  static std::string Record(const std::string& card, int n) {
    return absl::StrCat(R"({"card":")", card, R"(","n":)", n, "}");
  }

  std::shared_ptr<const data::Schema> schema_ = std::make_shared<const data::Schema>(
      std::vector<data::Field>{{"card", data::Type::kText}, {"n", data::Type::kBigint}});
  FakeTopics topics_;
};

TEST_F(PartitioningTest, RowsInTheirPartitionsAreRead) {
  for (uint32_t partition = 0; partition < kPartitions; ++partition) {
    for (const std::string& key : Keys(partition, 20)) topics_.Add(partition, Record(key, 1));
    const auto input = Open(partition);
    const auto block = input->Read(kNoLimit);
    ASSERT_TRUE(block.ok()) << block.status();
    EXPECT_EQ((*block)->rows.num_rows(), 20u);
  }
}

TEST_F(PartitioningTest, ReadingStopsBeforeARowThatIsElsewhereAndSaysWhereItBelongs) {
  const std::vector<std::string> here = Keys(1, 5);
  const std::string other = Keys(2, 1)[0];
  for (const std::string& key : here) topics_.Add(1, Record(key, 1));
  topics_.Add(1, "no row");
  topics_.Add(1, Record(other, 1));
  topics_.Add(1, Record(here[0], 1));
  const auto input = Open(1);
  const auto block = input->Read(kNoLimit);
  ASSERT_TRUE(block.ok()) << block.status();
  EXPECT_EQ((*block)->rows.num_rows(), 5u);
  EXPECT_EQ((*block)->num_records, 6u);
  EXPECT_EQ(input->position().ordinal, 6u);
  EXPECT_EQ(input->position().bytes, 6u);
  for (int again = 0; again < 2; ++again) {
    const absl::Status status = input->Read(kNoLimit).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(
        status.message(),
        AllOf(HasSubstr("events[1] (topic events), offset 6: "),
              HasSubstr(absl::StrCat("key '", other, "' belongs into partition 2 of 4 by murmur2")),
              HasSubstr("leave partitionedBy out")));
    EXPECT_EQ(input->position().ordinal, 6u);
  }
}

TEST_F(PartitioningTest, ANullKeyBelongsNowhere) {
  topics_.Add(0, R"({"n":1})");
  EXPECT_THAT(Open(0)->Read(kNoLimit).status().message(),
              HasSubstr("offset 0: a row whose key is NULL belongs into no partition"));
}

// As sinks of a job write them, so that one job's sink can be another's partitioned source.
TEST_F(PartitioningTest, AKeyOfSeveralColumnsIsAJsonArray) {
  int n = 0;
  while (connectors::PartitionOfKey(connectors::Partitioner::kMurmur2,
                                    absl::StrCat("[\"c\",", n, "]"), kPartitions) != 3) {
    ++n;
  }
  topics_.Add(3, Record("c", n));
  EXPECT_TRUE(Open(3, {0, 1})->Read(kNoLimit).ok());
  topics_.Add(2, Record("c", n));
  EXPECT_FALSE(Open(2, {0, 1})->Read(kNoLimit).ok());
}

}  // namespace
}  // namespace streamml::lane
