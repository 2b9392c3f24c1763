#include "worker/lane/output.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "tests/worker/lane/rows.h"

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
  StageSpec stage_;
  std::vector<TestRow> rows_;
};

TEST_F(OutputTest, DigestsDoNotDependOnHowTheStreamIsCut) {
  Output whole(stage_);
  whole.EmitToTopic(0, MakeBatch(rows_));
  whole.EmitToSink(0, MakeBatch(rows_));
  Output cut(stage_);
  std::string bytes;
  for (size_t i = 0; i < rows_.size(); ++i) {
    cut.EmitToTopic(0, MakeBatch({rows_[i]}));
    cut.EmitToSink(0, MakeBatch({rows_[i]}));
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
      output.EmitToSink(0, MakeBatch(rows));
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

}  // namespace
}  // namespace streamml::lane
