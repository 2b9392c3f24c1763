#include "worker/connectors/record_decoder.h"

#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/connectors/utf8.h"

namespace streamml::connectors {
namespace {

void CheckDescription(const SourceDescription& description) {
  CHECK_EQ(description.columns.size(), description.schema->size()) << "columns and schema differ";
  for (size_t index = 0; index < description.columns.size(); ++index) {
    const data::Field& field = description.schema->field(index);
    CHECK_EQ(description.columns[index].name, field.name) << "columns and schema differ";
    CHECK(description.columns[index].type == field.type) << "columns and schema differ";
  }
}

}  // namespace

std::string CsvHeader(const std::vector<SourceColumn>& columns) {
  std::string header;
  for (const SourceColumn& column : columns) {
    if (!header.empty()) header.push_back(',');
    header.push_back('"');
    for (const char c : column.path.empty() ? column.name : column.path) {
      if (c == '"') header.push_back('"');
      header.push_back(c);
    }
    header.push_back('"');
  }
  return header;
}

absl::StatusOr<std::unique_ptr<RecordDecoder>> RecordDecoder::Make(
    const SourceDescription& description, uint32_t partition, std::string_view header,
    size_t max_raw_bytes) {
  CheckDescription(description);
  std::unique_ptr<RowParser> parser;
  if (description.format == FileFormat::kJson) {
    ASSIGN_OR_RETURN(parser, MakeJsonParser(description.columns));
  } else {
    ASSIGN_OR_RETURN(parser, MakeCsvParser(description.columns, header));
  }
  return std::unique_ptr<RecordDecoder>(
      new RecordDecoder(description, partition, std::move(parser), max_raw_bytes));
}

RecordDecoder::RecordDecoder(const SourceDescription& description, uint32_t partition,
                             std::unique_ptr<RowParser> parser, size_t max_raw_bytes)
    : columns_(description.columns),
      time_column_(description.schema->time_column()),
      source_(description.source),
      partition_(partition),
      max_raw_bytes_(max_raw_bytes),
      parser_(std::move(parser)),
      builder_(description.schema) {}

bool RecordDecoder::Parse(std::string_view record) {
  if (!parser_->Parse(record, row_, reason_)) return false;
  if (time_column_ == data::Schema::kNoTime) return true;
  const auto index = static_cast<size_t>(time_column_);
  if (row_[index].mark == data::Mark::kValue) return true;
  reason_ = absl::StrCat("column '", columns_[index].name, "': event time is NULL");
  return false;
}

void RecordDecoder::Add(std::string_view record, const RecordPlace& place,
                        std::vector<DeadLetter>& dead) {
  if (!Parse(record)) return Bury(record, place, reason_, /*is_cut=*/false, dead);
  AppendRow(row_, builder_);
  const int64_t time =
      time_column_ == data::Schema::kNoTime ? 0 : row_[static_cast<size_t>(time_column_)].integer;
  builder_.AddOrigin({time, source_, partition_, place.ordinal});
}

void RecordDecoder::Bury(std::string_view record, const RecordPlace& place, std::string_view reason,
                         bool is_cut, std::vector<DeadLetter>& dead) const {
  const std::string_view raw = Utf8Prefix(record, max_raw_bytes_);
  dead.push_back({place.ordinal, place.byte_position, std::string(reason), std::string(raw),
                  is_cut || raw.size() < record.size()});
}

}  // namespace streamml::connectors
