// Layout of a row: origin (time fixed 8 bytes; source, partition, offset varints; where source has
// kHasEvent, the event as varint), one NULL bit per column (first column in the lowest bit, unused
// bits zero), then the values that are not NULL: boolean 1 byte, bigint zigzag varint, timestamp
// and double 8 bytes, text length and bytes.
#include "worker/data/row_codec.h"

#include <limits>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"

namespace streamml::data {
namespace {

constexpr uint64_t kHasEvent = 1 << 16;  // a job has far fewer sources

uint64_t ToZigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

int64_t FromZigzag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

void EncodeNulls(const Batch& batch, size_t row, ByteWriter& writer) {
  const size_t size = batch.columns().size();
  for (size_t first = 0; first < size; first += 8) {
    uint8_t bits = 0;
    for (size_t index = first; index < size && index < first + 8; ++index) {
      const Mark mark = batch.column(index).mark(row);
      CHECK(mark != Mark::kFailed) << "a failed value must not be stored";
      if (mark == Mark::kNull) bits |= static_cast<uint8_t>(1U << (index - first));
    }
    writer.U8(bits);
  }
}

void EncodeValue(const Column& column, size_t row, ByteWriter& writer) {
  switch (column.type()) {
    case Type::kBoolean:
      return writer.U8(column.Boolean(row) ? 1 : 0);
    case Type::kBigint:
      return writer.Varint(ToZigzag(column.Integer(row)));
    case Type::kTimestamp:
      return writer.I64(column.Integer(row));
    case Type::kDouble:
      return writer.F64(column.Double(row));
    case Type::kText:
      return writer.Text(column.Text(row));
  }
}

absl::Status Torn(std::string_view what) {
  return absl::DataLossError(absl::StrCat("row: ", what));
}

absl::Status DecodeOrigin(ByteReader& reader, Origin& origin) {
  origin.time = reader.I64();
  const uint64_t source = reader.Varint();
  const uint64_t partition = reader.Varint();
  const uint64_t offset = reader.Varint();
  const uint64_t event = (source & kHasEvent) != 0 ? reader.Varint() : 0;
  constexpr uint64_t kLimit = std::numeric_limits<uint32_t>::max();
  if (!reader.ok()) return Torn("ends within the origin");
  if (source >= 2 * kHasEvent || partition > kLimit) {
    return Torn(absl::StrCat("source ", source, " or partition ", partition, " is too large"));
  }
  if (offset >> kOffsetBits != 0 || event >= kMaxEvents ||
      (event == 0) == ((source & kHasEvent) != 0)) {
    return Torn(absl::StrCat("offset ", offset, " or event ", event, " cannot be"));
  }
  origin.source = static_cast<uint32_t>(source & ~kHasEvent);
  origin.partition = static_cast<uint32_t>(partition);
  origin.offset = offset;
  origin.event = event;
  return absl::OkStatus();
}

bool IsNull(std::string_view nulls, size_t index) {
  return (static_cast<uint8_t>(nulls[index / 8]) >> (index % 8) & 1) != 0;
}

absl::Status DecodeValue(ByteReader& reader, const Field& field, Column& column) {
  switch (field.type) {
    case Type::kBoolean: {
      const uint8_t value = reader.U8();
      if (value > 1) return Torn(absl::StrCat("column '", field.name, "': boolean byte ", value));
      column.AppendBoolean(value == 1);
      break;
    }
    case Type::kBigint:
      column.AppendInteger(FromZigzag(reader.Varint()));
      break;
    case Type::kTimestamp:
      column.AppendInteger(reader.I64());
      break;
    case Type::kDouble:
      column.AppendDouble(reader.F64());
      break;
    case Type::kText:
      column.AppendText(reader.Text());
      break;
  }
  if (!reader.ok()) return Torn(absl::StrCat("ends within column '", field.name, "'"));
  return absl::OkStatus();
}

}  // namespace

void EncodeRow(const Batch& batch, size_t row, std::string& out) {
  ByteWriter writer(out);
  const Origin& origin = batch.origin(row);
  writer.I64(origin.time);
  writer.Varint(origin.event > 0 ? origin.source | kHasEvent : origin.source);
  writer.Varint(origin.partition);
  writer.Varint(origin.offset);
  if (origin.event > 0) writer.Varint(origin.event);
  EncodeNulls(batch, row, writer);
  for (const auto& column : batch.columns()) {
    if (!column->IsNull(row)) EncodeValue(*column, row, writer);
  }
}

absl::Status DecodeRow(std::string_view& bytes, const Schema& schema, BatchBuilder& builder) {
  ByteReader reader(bytes);
  Origin origin;
  RETURN_IF_ERROR(DecodeOrigin(reader, origin));
  const std::string_view nulls = reader.Raw((schema.size() + 7) / 8);
  if (!reader.ok()) return Torn("ends within the NULL bits");
  if (schema.size() % 8 != 0 && static_cast<uint8_t>(nulls.back()) >> (schema.size() % 8) != 0) {
    return Torn("a NULL bit beyond the last column");
  }
  for (size_t index = 0; index < schema.size(); ++index) {
    Column& column = builder.column(index);
    if (IsNull(nulls, index)) {
      column.AppendNull();
    } else {
      RETURN_IF_ERROR(DecodeValue(reader, schema.field(index), column));
    }
  }
  builder.AddOrigin(origin);
  bytes.remove_prefix(bytes.size() - reader.remaining());
  return absl::OkStatus();
}

}  // namespace streamml::data
