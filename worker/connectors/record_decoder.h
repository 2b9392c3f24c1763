// Records of one partition, however they were cut out of it, to rows and dead letters.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "worker/connectors/dead_letter.h"
#include "worker/connectors/format.h"
#include "worker/data/batch.h"

namespace streamml::connectors {

// What all partitions of a source share.
struct SourceDescription {
  FileFormat format = FileFormat::kJson;
  std::vector<SourceColumn> columns;  // same names, types and order as the schema's fields
  std::shared_ptr<const data::Schema>
      schema;           // its time column, if any, gives the origins their time
  uint32_t source = 0;  // index of the source in the manifest
  bool lines = false;   // a record of a topic holds one event per line, and not just one
};

// Where a record stands.
struct RecordPlace {
  uint64_t ordinal = 0;        // its origin's offset
  uint64_t byte_position = 0;  // for dead letters
};

struct RecordHeader {
  std::string_view name;
  std::optional<std::string_view> value;
};

// What a record of a topic says besides its value.
struct RecordMetadata {
  std::optional<std::string_view> key;
  std::optional<int64_t> timestamp_us;
  absl::Span<const RecordHeader> headers;
};

// One object per partition; one thread.
class RecordDecoder {
 public:
  // `header`: the header line of a CSV source; JSON needs none. Errors as MakeCsvParser and
  // MakeJsonParser.
  static absl::StatusOr<std::unique_ptr<RecordDecoder>> Make(const SourceDescription& description,
                                                             uint32_t partition,
                                                             std::string_view header,
                                                             size_t max_raw_bytes);

  // Adds one record of a file, behind which RowParser::kPadding bytes must be readable: a row, or
  // one more dead letter at the end of `dead`. The source has no metadata columns.
  void Add(std::string_view record, const RecordPlace& place, std::vector<DeadLetter>& dead);
  // Adds one record of a topic; the same is readable behind its value. Without one it is a
  // tombstone: a row where the source has a column that tells so, else a dead letter. The number
  // of its events, each of which is a row or a dead letter.
  size_t Add(std::optional<std::string_view> value, const RecordMetadata& metadata,
             const RecordPlace& place, std::vector<DeadLetter>& dead);
  // Adds a record that is known to be no row. `is_cut`: the bytes are only its beginning.
  void Bury(std::string_view record, const RecordPlace& place, std::string_view reason, bool is_cut,
            std::vector<DeadLetter>& dead) const;
  // Whether an empty line is a record.
  bool takes_empty_lines() const { return parser_->takes_empty_lines(); }
  // Rows added since the last Finish.
  size_t num_rows() const { return builder_.num_rows(); }
  data::Batch Finish() { return builder_.Finish(); }
  // Some column is a header.
  bool wants_headers() const { return wants_headers_; }

 private:
  RecordDecoder(const SourceDescription& description, uint32_t partition,
                std::unique_ptr<RowParser> parser, size_t max_raw_bytes);
  bool Parse(std::string_view record);
  bool Assemble(std::string_view value, const RecordMetadata& metadata, const RecordPlace& place);
  bool ReadMetadata(size_t column, const RecordMetadata& metadata, const RecordPlace& place);
  bool HasTime();
  void AddRow(const RecordPlace& place, uint32_t event);
  size_t AddLines(std::string_view value, const RecordMetadata& metadata, const RecordPlace& place,
                  std::vector<DeadLetter>& dead);
  void BuryEvent(std::string_view record, const RecordMetadata& metadata, const RecordPlace& place,
                 std::optional<uint32_t> event, std::vector<DeadLetter>& dead) const;

  const std::vector<SourceColumn> columns_;
  const int time_column_;
  const uint32_t source_;
  const uint32_t partition_;
  const bool lines_;
  const size_t max_raw_bytes_;
  const std::unique_ptr<RowParser> parser_;  // null: no column is read from the value
  std::vector<size_t> value_columns_;        // those that are; all of them in most sources
  bool wants_headers_ = false;
  bool takes_tombstones_ = false;
  data::BatchBuilder builder_;
  Row row_;
  Row values_;  // of value_columns_
  std::string reason_;
};

// The header line that names all columns of the value in their order: of CSV that comes without
// one.
std::string CsvHeader(const std::vector<SourceColumn>& columns);

}  // namespace streamml::connectors
