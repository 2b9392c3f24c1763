// The model itself: what the simulator takes for granted of Kafka.

#include "tests/sim/kafka/model_kafka.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace streamml::sim {
namespace {

constexpr int64_t kTimeoutUs = 10'000'000;
constexpr int64_t kLong = 1'000'000;  // until all markers are written

class ModelKafkaTest : public testing::Test {
 protected:
  ModelKafkaTest() { kafka_.CreateTopic("t", 2); }

  ProducerIdentity Take(const std::string& id) {
    ProducerIdentity identity;
    while (kafka_.InitProducer(id, kTimeoutUs, identity) == Answer::kRetry) kafka_.Advance(10'000);
    return identity;
  }
  Answer Write(const ProducerIdentity& identity, uint32_t partition, const std::string& value) {
    const Answer added = kafka_.AddPartition("a", identity, "t", partition);
    if (added != Answer::kOk) return added;
    ModelKafka::Record record;
    record.value = value;
    uint64_t offset = 0;
    return kafka_.Write("a", identity, "t", partition, record, offset);
  }
  std::string Read(uint32_t partition) {
    std::string all;
    uint64_t offset = 0;
    for (; const ModelKafka::Record* record = kafka_.Fetch("t", partition, offset); ++offset) {
      all += record->value;
    }
    return all;
  }

  std::set<std::string> events_;
  ModelKafka kafka_{1, events_};
};

TEST_F(ModelKafkaTest, RecordsAreSeenOnceTheirTransactionHasItsMarker) {
  const ProducerIdentity a = Take("a");
  EXPECT_EQ(Write(a, 0, "x"), Answer::kOk);
  EXPECT_EQ(Write(a, 1, "y"), Answer::kOk);
  kafka_.Advance(kLong);
  EXPECT_EQ(Read(0), "");
  EXPECT_EQ(kafka_.EndTransaction("a", a, true), Answer::kOk);
  EXPECT_EQ(Read(0), "");
  kafka_.Advance(kLong);
  EXPECT_EQ(Read(0), "x");
  EXPECT_EQ(Read(1), "y");
  EXPECT_EQ(kafka_.End("t", 0), 2) << "the marker has an offset of its own";
}

TEST_F(ModelKafkaTest, NothingIsSeenBehindAnOpenTransaction) {
  const ProducerIdentity a = Take("a");
  EXPECT_EQ(Write(a, 0, "x"), Answer::kOk);
  ModelKafka::Record other;
  other.value = "other";
  kafka_.Append("t", 0, other);
  EXPECT_EQ(Read(0), "");
  EXPECT_EQ(kafka_.EndTransaction("a", a, false), Answer::kOk);
  kafka_.Advance(kLong);
  EXPECT_EQ(Read(0), "other");
}

TEST_F(ModelKafkaTest, TheLastCallerFencesTheOneBeforeAndAbortsWhatItLeft) {
  const ProducerIdentity old = Take("a");
  EXPECT_EQ(Write(old, 0, "old"), Answer::kOk);
  const ProducerIdentity now = Take("a");
  EXPECT_EQ(Write(old, 0, "more"), Answer::kFenced);
  EXPECT_EQ(kafka_.EndTransaction("a", old, true), Answer::kFenced);
  EXPECT_EQ(Write(now, 0, "new"), Answer::kOk);
  EXPECT_EQ(kafka_.EndTransaction("a", now, true), Answer::kOk);
  kafka_.Advance(kLong);
  EXPECT_EQ(Read(0), "new");
}

TEST_F(ModelKafkaTest, AStaleEndRequestHitsALaterTransactionOfTheSameEpoch) {
  const ProducerIdentity a = Take("a");
  EXPECT_EQ(Write(a, 0, "1"), Answer::kOk);
  EXPECT_EQ(kafka_.EndTransaction("a", a, true), Answer::kOk);
  kafka_.Advance(kLong);
  EXPECT_EQ(Write(a, 0, "2"), Answer::kOk);
  EXPECT_EQ(kafka_.EndTransaction("a", a, true), Answer::kOk) << "meant for the first";
  EXPECT_EQ(Write(a, 1, "3"), Answer::kRetry);
  kafka_.Advance(kLong);
  EXPECT_EQ(Read(0), "12");
}

TEST_F(ModelKafkaTest, TheCoordinatorAbortsWhatIsOpenForTooLong) {
  const ProducerIdentity a = Take("a");
  EXPECT_EQ(Write(a, 0, "x"), Answer::kOk);
  kafka_.Advance(kTimeoutUs + ModelKafka::kCleanupIntervalUs);
  EXPECT_TRUE(events_.contains("transaction timed out"));
  EXPECT_EQ(kafka_.EndTransaction("a", a, true), Answer::kFenced);
  kafka_.Advance(kLong);
  EXPECT_EQ(Read(0), "");
}

TEST_F(ModelKafkaTest, WhatCannotBeReachedOrIsTooLargeIsRefused) {
  const ProducerIdentity a = Take("a");
  kafka_.SetPartitionDown("t", 0, 1000);
  EXPECT_EQ(Write(a, 0, "x"), Answer::kUnreachable);
  EXPECT_EQ(Write(a, 1, std::string(ModelKafka::kMaxMessageBytes + 1, 'x')), Answer::kTooLarge);
  kafka_.Advance(1001);
  EXPECT_EQ(Write(a, 0, "x"), Answer::kOk);
  kafka_.SetClusterDown(1000);
  EXPECT_EQ(kafka_.EndTransaction("a", a, true), Answer::kUnreachable);
}

}  // namespace
}  // namespace streamml::sim
