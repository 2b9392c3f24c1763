// Records of one partition, however they were cut out of it, to rows and dead letters.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
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
};

// Where a record stands.
struct RecordPlace {
  uint64_t ordinal = 0;        // its origin's offset
  uint64_t byte_position = 0;  // for dead letters
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

  // Adds one record, behind which RowParser::kPadding bytes must be readable: a row, or one more
  // dead letter at the end of `dead`.
  void Add(std::string_view record, const RecordPlace& place, std::vector<DeadLetter>& dead);
  // Adds a record that is known to be no row. `is_cut`: the bytes are only its beginning.
  void Bury(std::string_view record, const RecordPlace& place, std::string_view reason, bool is_cut,
            std::vector<DeadLetter>& dead) const;
  // Whether an empty line is a record.
  bool takes_empty_lines() const { return parser_->takes_empty_lines(); }
  // The rows added since the last call.
  data::Batch Finish() { return builder_.Finish(); }

 private:
  RecordDecoder(const SourceDescription& description, uint32_t partition,
                std::unique_ptr<RowParser> parser, size_t max_raw_bytes);
  bool Parse(std::string_view record);

  const std::vector<SourceColumn> columns_;
  const int time_column_;
  const uint32_t source_;
  const uint32_t partition_;
  const size_t max_raw_bytes_;
  const std::unique_ptr<RowParser> parser_;
  data::BatchBuilder builder_;
  Row row_;
  std::string reason_;
};

// The header line that names all columns in their order: of CSV that comes without one.
std::string CsvHeader(const std::vector<SourceColumn>& columns);

}  // namespace streamml::connectors
