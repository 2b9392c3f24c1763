#include "worker/connectors/record_decoder.h"

#include <algorithm>
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

std::vector<SourceColumn> ValueColumns(const std::vector<SourceColumn>& columns) {
  std::vector<SourceColumn> values;
  for (const SourceColumn& column : columns) {
    if (column.metadata == Metadata::kNone) values.push_back(column);
  }
  return values;
}

Cell Integer(int64_t value) {
  Cell cell;
  cell.mark = data::Mark::kValue;
  cell.integer = value;
  return cell;
}

}  // namespace

std::string CsvHeader(const std::vector<SourceColumn>& columns) {
  std::string header;
  for (const SourceColumn& column : ValueColumns(columns)) {
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
  std::vector<SourceColumn> columns = ValueColumns(description.columns);
  if (columns.empty() && !description.columns.empty()) {
    // Nobody looks at the value.
  } else if (description.format == FileFormat::kJson) {
    ASSIGN_OR_RETURN(parser, MakeJsonParser(std::move(columns)));
  } else {
    ASSIGN_OR_RETURN(parser, MakeCsvParser(std::move(columns), header));
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
      lines_(description.lines),
      max_raw_bytes_(max_raw_bytes),
      parser_(std::move(parser)),
      builder_(description.schema) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Metadata metadata = columns_[i].metadata;
    if (metadata == Metadata::kNone) value_columns_.push_back(i);
    wants_headers_ = wants_headers_ || metadata == Metadata::kHeader;
    takes_tombstones_ = takes_tombstones_ || metadata == Metadata::kTombstone;
  }
}

bool RecordDecoder::Parse(std::string_view record) {
  return parser_->Parse(record, row_, reason_) && HasTime();
}

bool RecordDecoder::HasTime() {
  if (time_column_ == data::Schema::kNoTime) return true;
  const auto index = static_cast<size_t>(time_column_);
  if (row_[index].mark == data::Mark::kValue) return true;
  reason_ = absl::StrCat("column '", columns_[index].name, "': event time is NULL");
  return false;
}

void RecordDecoder::AddRow(const RecordPlace& place, uint32_t event) {
  AppendRow(row_, builder_);
  const int64_t time =
      time_column_ == data::Schema::kNoTime ? 0 : row_[static_cast<size_t>(time_column_)].integer;
  data::Origin origin{time, source_, partition_, place.ordinal};
  origin.event = event;
  builder_.AddOrigin(origin);
}

void RecordDecoder::Add(std::string_view record, const RecordPlace& place,
                        std::vector<DeadLetter>& dead) {
  if (!Parse(record)) return Bury(record, place, reason_, /*is_cut=*/false, dead);
  AddRow(place, 0);
}

size_t RecordDecoder::Add(std::optional<std::string_view> value, const RecordMetadata& metadata,
                          const RecordPlace& place, std::vector<DeadLetter>& dead) {
  bool is_row = false;
  if (value.has_value()) {
    if (lines_) return AddLines(*value, metadata, place, dead);
    is_row = Assemble(*value, metadata, place);
  } else if (takes_tombstones_) {
    row_.assign(columns_.size(), Cell());
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].metadata != Metadata::kTombstone) continue;
      row_[i].mark = data::Mark::kValue;
      row_[i].boolean = true;
    }
    is_row = true;
    for (size_t i = 0; is_row && i < columns_.size(); ++i) {
      is_row = ReadMetadata(i, metadata, place);
    }
    is_row = is_row && HasTime();
  } else {
    reason_ = "the record is a tombstone: it has a key and no value";
  }
  if (is_row) {
    AddRow(place, 0);
  } else {
    BuryEvent(value.value_or(""), metadata, place, std::nullopt, dead);
  }
  return 1;
}

// All of a row that has a value.
bool RecordDecoder::Assemble(std::string_view value, const RecordMetadata& metadata,
                             const RecordPlace& place) {
  if (value_columns_.size() == columns_.size()) return Parse(value);
  if (parser_ != nullptr && !parser_->Parse(value, values_, reason_)) return false;
  row_.assign(columns_.size(), Cell());
  for (size_t i = 0; i < value_columns_.size(); ++i) row_[value_columns_[i]] = values_[i];
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].metadata == Metadata::kTombstone) row_[i].mark = data::Mark::kValue;
    if (!ReadMetadata(i, metadata, place)) return false;
  }
  return HasTime();
}

// The column's cell, if it is one of metadata but for the tombstone.
bool RecordDecoder::ReadMetadata(size_t column, const RecordMetadata& metadata,
                                 const RecordPlace& place) {
  std::optional<std::string_view> text;
  switch (columns_[column].metadata) {
    case Metadata::kNone:
    case Metadata::kTombstone:
      return true;
    case Metadata::kPartition:
      row_[column] = Integer(partition_);
      return true;
    case Metadata::kOffset:
      row_[column] = Integer(static_cast<int64_t>(place.ordinal));
      return true;
    case Metadata::kTimestamp:
      if (metadata.timestamp_us.has_value()) row_[column] = Integer(*metadata.timestamp_us);
      return true;
    case Metadata::kKey:
      text = metadata.key;
      break;
    case Metadata::kHeader:
      for (const RecordHeader& header : metadata.headers) {
        if (header.name == columns_[column].path) text = header.value;
      }
      break;
  }
  if (!text.has_value()) return true;
  const size_t invalid = FindInvalidUtf8(*text);
  if (invalid != std::string_view::npos) {
    reason_ = absl::StrCat(
        "column '", columns_[column].name, "': invalid UTF-8 at byte ", invalid,
        columns_[column].metadata == Metadata::kKey ? " of the key" : " of the header");
    return false;
  }
  row_[column].mark = data::Mark::kValue;
  row_[column].text = *text;
  return true;
}

size_t RecordDecoder::AddLines(std::string_view value, const RecordMetadata& metadata,
                               const RecordPlace& place, std::vector<DeadLetter>& dead) {
  uint32_t event = 0;
  for (size_t start = 0; start < value.size();) {
    const size_t end = std::min(value.find('\n', start), value.size());
    std::string_view line = value.substr(start, end - start);
    start = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (event == data::kMaxEvents) {
      reason_ = absl::StrCat("the record holds more than ", data::kMaxEvents,
                             " events: what follows them is one dead letter");
      BuryEvent(value.substr(static_cast<size_t>(line.data() - value.data())), metadata, place,
                event, dead);
      return event + 1;
    }
    if (Assemble(line, metadata, place)) {
      AddRow(place, event);
    } else {
      BuryEvent(line, metadata, place, event, dead);
    }
    ++event;
  }
  return event;
}

void RecordDecoder::BuryEvent(std::string_view record, const RecordMetadata& metadata,
                              const RecordPlace& place, std::optional<uint32_t> event,
                              std::vector<DeadLetter>& dead) const {
  Bury(record, place, reason_, /*is_cut=*/false, dead);
  dead.back().event = event;
  if (metadata.key.has_value()) {
    dead.back().key = std::string(Utf8Prefix(*metadata.key, max_raw_bytes_));
    dead.back().key_cut = dead.back().key->size() < metadata.key->size();
  }
}

void RecordDecoder::Bury(std::string_view record, const RecordPlace& place, std::string_view reason,
                         bool is_cut, std::vector<DeadLetter>& dead) const {
  const std::string_view raw = Utf8Prefix(record, max_raw_bytes_);
  dead.push_back({place.ordinal, place.byte_position, std::string(reason), std::string(raw),
                  is_cut || raw.size() < record.size()});
}

}  // namespace streamml::connectors
