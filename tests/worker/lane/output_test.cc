#include "worker/lane/output.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "tests/worker/lane/rows.h"
#include "worker/lane/internal/failed_row.h"

namespace streamml::lane {
namespace {

uint64_t HashOf(const std::vector<double>& values, size_t row) {
  std::vector<TestRow> rows;
  for (const double value : values) rows.push_back({{}, "k", value});
  std::string scratch;
  return KeyHash(MakeBatch(rows), row, {1}, scratch);
}

TEST(KeyHashTest, KeysThatSqlCallsEqualHashEqual) {
  const double nan = std::nan("");
  const double other_nan = std::bit_cast<double>(std::bit_cast<uint64_t>(nan) | 0x8000000000000123);
  ASSERT_TRUE(std::isnan(other_nan));
  const std::vector<double> values = {0.0,       -0.0, nan,
                                      other_nan, 1.0,  std::numeric_limits<double>::denorm_min()};
  EXPECT_EQ(HashOf(values, 0), HashOf(values, 1));
  EXPECT_EQ(HashOf(values, 2), HashOf(values, 3));
  EXPECT_NE(HashOf(values, 0), HashOf(values, 2));
  EXPECT_NE(HashOf(values, 0), HashOf(values, 4));
  EXPECT_NE(HashOf(values, 0), HashOf(values, 5));
}

TEST(KeyHashTest, NullIsAKeyOfItsOwn) {
  data::BatchBuilder builder(TestSchema());
  for (const bool null : {true, true, false}) {
    if (null) {
      builder.column(0).AppendNull();
      builder.column(1).AppendNull();
    } else {
      builder.column(0).AppendText("");
      builder.column(1).AppendDouble(0);
    }
    builder.AddOrigin({});
  }
  const data::Batch batch = builder.Finish();
  std::string scratch;
  EXPECT_EQ(KeyHash(batch, 0, {0, 1}, scratch), KeyHash(batch, 1, {0, 1}, scratch));
  EXPECT_NE(KeyHash(batch, 0, {0}, scratch), KeyHash(batch, 2, {0}, scratch));
  EXPECT_NE(KeyHash(batch, 0, {1}, scratch), KeyHash(batch, 2, {1}, scratch));
}

TEST(KeyHashTest, WhereOneTextEndsAndTheNextBeginsMatters) {
  const auto schema = std::make_shared<const data::Schema>(
      std::vector<data::Field>{{"a", data::Type::kText}, {"b", data::Type::kText}});
  data::BatchBuilder builder(schema);
  for (const auto& [a, b] : {std::pair{"ab", "c"}, std::pair{"a", "bc"}}) {
    builder.column(0).AppendText(a);
    builder.column(1).AppendText(b);
    builder.AddOrigin({});
  }
  const data::Batch batch = builder.Finish();
  std::string scratch;
  EXPECT_NE(KeyHash(batch, 0, {0, 1}, scratch), KeyHash(batch, 1, {0, 1}, scratch));
}

// One topic of three partitions, keyed by name, and one sink.
class OutputTest : public testing::Test {
 protected:
  OutputTest() {
    stage_.topics.push_back({-1, "topic", 3, {0}});
    stage_.sinks.push_back({-1, "sink", "part"});
    for (uint64_t i = 0; i < 20; ++i) {
      rows_.push_back({{static_cast<int64_t>(i), 0, 0, i}, absl::StrCat("k", i % 7), 0.5});
    }
  }
  // The sink is a topic that takes records up to a size.
  void BoundSink(size_t max_record_bytes, int dead_sink) {
    stage_.sinks.push_back({SinkOutput::kNoRows, "sink.dead", "part"});
    stage_.sinks[0].topic = "out";
    stage_.sinks[0].num_partitions = 1;
    stage_.sinks[0].key_columns = {0};
    stage_.sinks[0].max_record_bytes = max_record_bytes;
    stage_.sinks[0].dead_sink = dead_sink;
  }
  StageSpec stage_;
  std::vector<TestRow> rows_;
  std::vector<operators::RowError> too_large_;
};

TEST_F(OutputTest, DigestsDoNotDependOnHowTheStreamIsCut) {
  Output whole(stage_);
  whole.EmitToTopic(0, MakeBatch(rows_));
  whole.EmitToSink(0, MakeBatch(rows_), too_large_);
  Output cut(stage_);
  std::string bytes;
  for (size_t i = 0; i < rows_.size(); ++i) {
    cut.EmitToTopic(0, MakeBatch({rows_[i]}));
    cut.EmitToSink(0, MakeBatch({rows_[i]}), too_large_);
    if (i % 3 != 0) continue;
    bytes += cut.sink_bytes(0);
    cut.Clear();
    EXPECT_EQ(cut.size_bytes(), 0);
  }
  EXPECT_EQ(whole.digest(), cut.digest());
  EXPECT_EQ(whole.sink_bytes(0), bytes + cut.sink_bytes(0));
}

TEST_F(OutputTest, DigestsDependOnOrderValueAndDestination) {
  std::vector<Digest> digests;
  for (int variant = 0; variant < 5; ++variant) {
    std::vector<TestRow> rows = rows_;
    if (variant == 1) std::swap(rows[4].name, rows[5].name);
    if (variant == 2) rows[19].amount = 0.25;
    if (variant == 3) rows[0].origin.offset = 99;
    Output output(stage_);
    if (variant == 4) {
      output.EmitToSink(0, MakeBatch(rows), too_large_);
    } else {
      output.EmitToTopic(0, MakeBatch(rows));
    }
    for (const Digest& other : digests) EXPECT_NE(output.digest(), other) << variant;
    digests.push_back(output.digest());
  }
}

TEST_F(OutputTest, FramesComeByPartitionAndMarkersFillTheGaps) {
  Output output(stage_);
  output.EmitToTopic(0, MakeBatch({rows_[0]}));
  ASSERT_EQ(output.Frames(/*markers=*/false).size(), 1);
  EXPECT_EQ(output.Frames(false)[0].num_rows, 1);
  const std::vector<log::Frame> frames = output.Frames(/*markers=*/true);
  ASSERT_EQ(frames.size(), 3);
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(frames[i].topic, "topic");
    EXPECT_EQ(frames[i].partition, i);
  }
  output.Clear();
  EXPECT_TRUE(output.Frames(false).empty());
}

TEST_F(OutputTest, RowsOfOneKeyStayTogether) {
  Output output(stage_);
  output.EmitToTopic(0, MakeBatch(rows_));
  std::string scratch;
  uint32_t seen = 0;
  for (const log::Frame& frame : output.Frames(false)) {
    uint32_t expected = 0;
    for (size_t row = 0; row < rows_.size(); ++row) {
      if (KeyHash(MakeBatch(rows_), row, {0}, scratch) % 3 == frame.partition) ++expected;
    }
    EXPECT_EQ(frame.num_rows, expected) << frame.partition;
    seen += frame.num_rows;
  }
  EXPECT_EQ(seen, rows_.size());
}

TEST_F(OutputTest, LinesAreRowsOfTheirSink) {
  Output output(stage_);
  output.EmitLine(0, "{}");
  output.EmitLine(0, "{\"a\":1}");
  EXPECT_EQ(output.sink_bytes(0), "{}\n{\"a\":1}\n");
  EXPECT_EQ(output.size_bytes(), 11);
  EXPECT_EQ(output.num_rows()[1], 2);
}

TEST_F(OutputTest, ARowLargerThanItsSinkTakesIsLeftOutWithItsOrigin) {
  BoundSink(60, 1);
  rows_[5].name = std::string(40, 'x');
  Output output(stage_);
  output.EmitToSink(0, MakeBatch(rows_), too_large_);
  ASSERT_EQ(too_large_.size(), 1u);
  EXPECT_EQ(too_large_[0].origin.offset, 5u);
  const std::string row = absl::StrCat("{\"name\":\"", rows_[5].name, "\",\"amount\":0.5}");
  EXPECT_EQ(too_large_[0].row, row);
  EXPECT_EQ(too_large_[0].reason, absl::StrCat("a record of ", row.size() + 40,
                                               " bytes; the most is 60 (maxRecordBytes)"));
  EXPECT_EQ(output.Records().size(), 19u);
  EXPECT_EQ(output.num_rows()[1], 19u);
  // As if it had never been there.
  rows_.erase(rows_.begin() + 5);
  Output without(stage_);
  without.EmitToSink(0, MakeBatch(rows_), too_large_);
  EXPECT_EQ(output.digest(), without.digest());
  EXPECT_EQ(output.sink_bytes(0), without.sink_bytes(0));
  EXPECT_EQ(output.size_bytes(), without.size_bytes());
  EXPECT_EQ(too_large_.size(), 1u);
}

TEST_F(OutputTest, ARecordMayHaveExactlyTheMostBytesWithItsKey) {
  const size_t size = std::string(R"({"name":"k0","amount":0.5})").size() + 2;
  for (const size_t bound : {size - 1, size}) {
    stage_.sinks.resize(1);
    BoundSink(bound, 1);
    Output output(stage_);
    output.EmitToSink(0, MakeBatch({rows_[0]}), too_large_);
    EXPECT_EQ(output.Records().size(), bound == size ? 1u : 0u);
  }
  EXPECT_EQ(too_large_.size(), 1u);
}

TEST_F(OutputTest, WithoutDeadLettersOfItsOwnASinkGetsTheBeginningOfALargeRow) {
  BoundSink(100'000, -1);
  rows_[5].name = std::string(200'000, 'x');
  Output output(stage_);
  output.EmitToSink(0, MakeBatch(rows_), too_large_);
  EXPECT_TRUE(too_large_.empty());
  const std::vector<log::OutRecord> records = output.Records();
  ASSERT_EQ(records.size(), 20u);
  EXPECT_LT(records[5].value.size(), 70'000u);
  EXPECT_TRUE(records[5].value.starts_with(
      R"({"relation":"sink","operator":"sink","source":0,"partition":0,"record":5,"reason":"a record )"))
      << records[5].value.substr(0, 200);
  EXPECT_TRUE(records[5].value.ends_with(R"(xxx","rowCut":true})"));
}

TEST(FailedRowTest, ALineHasABoundWhateverFailed) {
  operators::RowError error;
  error.origin.offset = 3;
  error.reason = std::string(2 << 20, '\x01');
  error.row = std::string(2 << 20, '\x01');
  EXPECT_LT(internal::FailedRowJson({"view", "project0", 0, error}).size(), kMaxRejectBytes);
}

TEST(FailedRowTest, TheNumberOfTheEventIsToldWhereARecordHasSeveral) {
  operators::RowError error;
  error.origin.offset = 3;
  error.reason = "division by zero";
  error.row = "{}";
  EXPECT_EQ(internal::FailedRowJson({"view", "project0", 0, error}),
            R"({"relation":"view","operator":"project0","source":0,"partition":0,"record":3,)"
            R"("reason":"division by zero","row":"{}"})");
  error.origin.event = 7;
  EXPECT_NE(
      internal::FailedRowJson({"view", "project0", 0, error}).find(R"("record":3,"event":7,)"),
      std::string::npos);
}

}  // namespace
}  // namespace streamml::lane
