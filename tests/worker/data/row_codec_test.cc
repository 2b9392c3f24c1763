#include "worker/data/row_codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace streamml::data {
namespace {

// Nine columns, so that the NULL bits need a second byte.
std::shared_ptr<const Schema> WideSchema() {
  std::vector<Field> fields = {{"flag", Type::kBoolean},
                               {"count", Type::kBigint},
                               {"amount", Type::kDouble},
                               {"name", Type::kText},
                               {"at", Type::kTimestamp}};
  for (const char* name : {"t1", "t2", "t3", "t4"}) fields.push_back({name, Type::kText});
  return std::make_shared<Schema>(std::move(fields));
}

void AddValues(BatchBuilder& builder, int64_t count, double amount, std::string_view name) {
  builder.AddOrigin({-7, 3, std::numeric_limits<uint32_t>::max(), 1ULL << 47});
  builder.column(0).AppendBoolean(true);
  builder.column(1).AppendInteger(count);
  builder.column(2).AppendDouble(amount);
  builder.column(3).AppendText(name);
  builder.column(4).AppendInteger(1772323200000000);
  for (size_t index = 5; index < 8; ++index) builder.column(index).AppendText("");
  builder.column(8).AppendNull();
}

Batch ThreeRows() {
  BatchBuilder builder(WideSchema());
  AddValues(builder, std::numeric_limits<int64_t>::min(), -0.0, "Ünïcode");
  AddValues(builder, std::numeric_limits<int64_t>::max(), std::bit_cast<double>(0x7ff8000000000123),
            std::string("\0\xff", 2));
  builder.AddOrigin({});
  for (size_t index = 0; index < 9; ++index) builder.column(index).AppendNull();
  return builder.Finish();
}

std::string Encoded(const Batch& batch) {
  std::string bytes;
  for (size_t row = 0; row < batch.num_rows(); ++row) EncodeRow(batch, row, bytes);
  return bytes;
}

TEST(RowCodecTest, RowsComeBackWithOriginNullsAndEveryBit) {
  const Batch rows = ThreeRows();
  const std::string bytes = Encoded(rows);
  std::string_view rest = bytes;
  BatchBuilder builder(WideSchema());
  for (size_t row = 0; row < rows.num_rows(); ++row) {
    ASSERT_TRUE(DecodeRow(rest, *WideSchema(), builder).ok());
  }
  EXPECT_TRUE(rest.empty());
  const Batch decoded = builder.Finish();
  EXPECT_EQ(decoded.origins(), rows.origins());
  EXPECT_EQ(decoded.column(1).Integer(0), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(decoded.column(1).Integer(1), std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(std::signbit(decoded.column(2).Double(0)));
  EXPECT_EQ(std::bit_cast<uint64_t>(decoded.column(2).Double(1)), 0x7ff8000000000123U);
  EXPECT_EQ(decoded.column(3).Text(0), "Ünïcode");
  EXPECT_TRUE(decoded.column(7).HasValue(0));
  EXPECT_TRUE(decoded.column(8).IsNull(0));
  EXPECT_TRUE(decoded.column(0).IsNull(2));
  EXPECT_EQ(Encoded(decoded), bytes);
}

TEST(RowCodecTest, AnEventWithinARecordComesBackAndCostsNothingWhereThereIsNone) {
  const auto schema = std::make_shared<Schema>(std::vector<Field>{{"a", Type::kText}});
  BatchBuilder builder(schema);
  for (const uint32_t event : {0U, 1U, kMaxEvents - 1}) {
    Origin origin{5, 63, 7, 9};
    origin.event = event;
    builder.AddOrigin(origin);
    builder.column(0).AppendNull();
  }
  const Batch rows = builder.Finish();
  std::string first;
  EncodeRow(rows, 0, first);
  EXPECT_EQ(first.size(), 8u + 3 + 1);
  const std::string bytes = Encoded(rows);
  std::string_view rest = bytes;
  for (size_t row = 0; row < 3; ++row) ASSERT_TRUE(DecodeRow(rest, *schema, builder).ok());
  EXPECT_EQ(builder.Finish().origins(), rows.origins());
}

TEST(RowCodecTest, NullAndEmptyTextHaveDifferentBytes) {
  const auto schema = std::make_shared<Schema>(std::vector<Field>{{"a", Type::kText}});
  BatchBuilder builder(schema);
  builder.AddOrigin({});
  builder.AddOrigin({});
  builder.column(0).AppendNull();
  builder.column(0).AppendText("");
  const Batch batch = builder.Finish();
  std::string null_row, empty_row;
  EncodeRow(batch, 0, null_row);
  EncodeRow(batch, 1, empty_row);
  EXPECT_NE(null_row, empty_row);
}

TEST(RowCodecTest, EveryTruncationIsDataLoss) {
  const Batch rows = ThreeRows();
  std::string bytes;
  EncodeRow(rows, 0, bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::string_view rest = std::string_view(bytes).substr(0, size);
    BatchBuilder builder(WideSchema());
    EXPECT_EQ(DecodeRow(rest, *WideSchema(), builder).code(), absl::StatusCode::kDataLoss) << size;
    EXPECT_EQ(rest.size(), size);
  }
}

TEST(RowCodecTest, ABooleanByteAboveOneAndAnUnusedNullBitAreDataLoss) {
  const auto schema = std::make_shared<Schema>(std::vector<Field>{{"a", Type::kBoolean}});
  BatchBuilder builder(schema);
  builder.AddOrigin({});
  builder.column(0).AppendBoolean(true);
  std::string bytes;
  EncodeRow(builder.Finish(), 0, bytes);
  for (const auto& [from_end, value] : {std::pair<size_t, char>{1, 2}, {2, 2}}) {
    std::string broken = bytes;
    broken[broken.size() - from_end] = value;
    std::string_view rest = broken;
    BatchBuilder target(schema);
    EXPECT_EQ(DecodeRow(rest, *schema, target).code(), absl::StatusCode::kDataLoss);
  }
}

TEST(RowCodecDeathTest, AFailedValueIsNeverStored) {
  BatchBuilder builder(std::make_shared<Schema>(std::vector<Field>{{"a", Type::kBigint}}));
  builder.AddOrigin({});
  builder.column(0).AppendFailed();
  const Batch batch = builder.Finish();
  std::string bytes;
  EXPECT_DEATH(EncodeRow(batch, 0, bytes), "failed value");
}

}  // namespace
}  // namespace streamml::data
