#include "tests/worker/connectors/source_fixture.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/connectors/json_rows.h"

namespace streamml::connectors {

MemorySource::MemorySource(std::string bytes, uint64_t fails_at)
    : bytes_(std::move(bytes)), fails_at_(fails_at) {}

absl::StatusOr<size_t> MemorySource::ReadAt(uint64_t position, char* out, size_t capacity) {
  CHECK_LE(position, bytes_.size());
  const size_t size = std::min<size_t>(capacity, bytes_.size() - position);
  if (position + size > fails_at_) {
    return absl::UnavailableError(absl::StrCat("read of 'events' at byte ", fails_at_));
  }
  std::memcpy(out, bytes_.data() + position, size);
  return size;
}

std::string Gzip(std::string_view bytes) {
  z_stream deflater = {};
  CHECK_EQ(deflateInit2(&deflater, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string result(deflateBound(&deflater, bytes.size()) + 32, '\0');
  deflater.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  deflater.avail_in = static_cast<uInt>(bytes.size());
  deflater.next_out = reinterpret_cast<Bytef*>(result.data());
  deflater.avail_out = static_cast<uInt>(result.size());
  CHECK_EQ(deflate(&deflater, Z_FINISH), Z_STREAM_END);
  result.resize(deflater.total_out);
  deflateEnd(&deflater);
  return result;
}

absl::StatusOr<std::string> ReadAll(ByteStream& stream, size_t capacity) {
  std::string all;
  std::string part(capacity, '\0');
  while (true) {
    ASSIGN_OR_RETURN(const size_t size, stream.Read(part.data(), capacity));
    if (size == 0) return all;
    all.append(part, 0, size);
  }
}

std::string ParseToText(RowParser& parser, const std::vector<SourceColumn>& columns,
                        std::string_view record) {
  // Behind the record stands what would continue it, to catch a parser that reads on.
  std::string padded(record);
  padded.append(RowParser::kPadding, '1');
  Row row;
  std::string reason;
  if (!parser.Parse(std::string_view(padded).substr(0, record.size()), row, reason)) {
    return absl::StrCat("! ", reason);
  }
  const SourceDescription description = Describe(FileFormat::kJson, columns);
  data::BatchBuilder builder(description.schema);
  AppendRow(row, builder);
  builder.AddOrigin({});
  std::string text;
  JsonRowWriter(*description.schema).Append(builder.Finish(), text);
  text.pop_back();
  return text;
}

std::vector<std::string> Lines(const SourceBlock& block) {
  std::vector<std::string> lines(block.rows.num_rows() + block.dead.size());
  const uint64_t first = block.end.records - lines.size();
  const JsonRowWriter writer(block.rows.schema());
  for (size_t row = 0; row < block.rows.num_rows(); ++row) {
    const data::Origin& origin = block.rows.origin(row);
    std::string& line = lines.at(origin.offset - first);
    line = absl::StrCat(origin.offset, " @", origin.time, " ", origin.source, "/", origin.partition,
                        " ");
    writer.Append(block.rows, row, line);
    line.pop_back();
  }
  for (const DeadLetter& letter : block.dead) {
    std::string& line = lines.at(letter.record - first);
    CHECK(line.empty());
    line = absl::StrCat(letter.record, " dead at byte ", letter.byte_position, ": ", letter.reason,
                        " <", letter.raw, letter.raw_cut ? "...>" : ">");
  }
  return lines;
}

SourceDescription Describe(FileFormat format, std::vector<SourceColumn> columns, int time_column) {
  std::vector<data::Field> fields;
  fields.reserve(columns.size());
  for (const SourceColumn& column : columns) fields.push_back({column.name, column.type});
  auto schema = std::make_shared<data::Schema>(std::move(fields), time_column);
  return {format, std::move(columns), std::move(schema), 1};
}

Reading ReadFrom(const SourceDescription& description, const std::string& bytes,
                 SourcePosition from, size_t max_records, const ReaderLimits& limits) {
  Reading reading;
  auto reader =
      PartitionReader::Open(description, 2, std::make_unique<MemorySource>(bytes), from, limits);
  if (!reader.ok()) {
    reading.lines.push_back(reader.status().ToString());
    return reading;
  }
  while (true) {
    const auto block = (*reader)->Read(max_records);
    if (!block.ok()) {
      reading.lines.push_back(block.status().ToString());
      return reading;
    }
    for (std::string& line : Lines(*block)) reading.lines.push_back(std::move(line));
    reading.ends.push_back(block->end);
    if (block->at_end) return reading;
  }
}

}  // namespace streamml::connectors
