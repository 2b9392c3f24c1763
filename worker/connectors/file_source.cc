#include "worker/connectors/file_source.h"

#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/connectors/internal/record_reader.h"
#include "worker/connectors/utf8.h"

namespace streamml::connectors {
namespace {

using internal::Framing;
using internal::Record;
using internal::RecordReader;

void CheckDescription(const SourceDescription& description) {
  CHECK_EQ(description.columns.size(), description.schema->size()) << "columns and schema differ";
  for (size_t index = 0; index < description.columns.size(); ++index) {
    const data::Field& field = description.schema->field(index);
    CHECK_EQ(description.columns[index].name, field.name) << "columns and schema differ";
    CHECK(description.columns[index].type == field.type) << "columns and schema differ";
  }
}

absl::StatusOr<std::unique_ptr<RowParser>> MakeParser(const SourceDescription& description,
                                                      RecordReader& records) {
  if (description.format == FileFormat::kJson) return MakeJsonParser(description.columns);
  Record header;
  ASSIGN_OR_RETURN(const bool found, records.Next(header));
  if (!found) return absl::InvalidArgumentError("the file is empty, expected a csv header line");
  if (!header.fault.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("csv header: ", header.fault));
  }
  return MakeCsvParser(description.columns, header.bytes);
}

class FilePartition : public PartitionReader {
 public:
  FilePartition(const SourceDescription& description, uint32_t partition, std::string path,
                std::unique_ptr<RecordReader> records, const ReaderLimits& limits)
      : path_(std::move(path)),
        columns_(description.columns),
        time_column_(description.schema->time_column()),
        source_(description.source),
        partition_(partition),
        limits_(limits),
        records_(std::move(records)),
        builder_(description.schema) {}

  absl::Status Start(const SourceDescription& description, SourcePosition from);
  absl::StatusOr<SourceBlock> Read(size_t max_records) override;

 private:
  void AddRecord(const Record& record, SourceBlock& block);
  bool ParseRow(const Record& record);
  void Bury(const Record& record, SourceBlock& block);

  const std::string path_;
  const std::vector<SourceColumn> columns_;
  const int time_column_;
  const uint32_t source_;
  const uint32_t partition_;
  const ReaderLimits limits_;
  const std::unique_ptr<RecordReader> records_;
  std::unique_ptr<RowParser> parser_;
  data::BatchBuilder builder_;
  Row row_;
  std::string reason_;
  SourcePosition position_;
  absl::Status failure_;
};

absl::Status FilePartition::Start(const SourceDescription& description, SourcePosition from) {
  RETURN_IF_ERROR(records_->SkipByteOrderMark());
  ASSIGN_OR_RETURN(parser_, MakeParser(description, *records_));
  position_.bytes = records_->position();
  if (from == SourcePosition()) return absl::OkStatus();
  if (from.bytes < position_.bytes) {
    return absl::DataLossError(
        absl::StrCat("position ", from.bytes, " is before the first record at ", position_.bytes));
  }
  RETURN_IF_ERROR(records_->SkipTo(from.bytes));
  position_ = from;
  return absl::OkStatus();
}

absl::StatusOr<SourceBlock> FilePartition::Read(size_t max_records) {
  SourceBlock block;
  const SourcePosition begin = position_;
  while (position_.records - begin.records < max_records &&
         position_.bytes / limits_.max_block_bytes == begin.bytes / limits_.max_block_bytes &&
         failure_.ok()) {
    Record record;
    const absl::StatusOr<bool> more = records_->Next(record);
    if (!more.ok()) {
      failure_ = Annotate(more.status(),
                          absl::StrCat("after record ", position_.records, " of '", path_, "'"));
    } else if (!*more) {
      block.at_end = true;  // what follows the last record (blank lines) belongs to no block
      break;
    } else {
      AddRecord(record, block);
    }
  }
  if (!failure_.ok() && position_ == begin) return failure_;
  block.rows = builder_.Finish();
  block.end = position_;
  return block;
}

void FilePartition::AddRecord(const Record& record, SourceBlock& block) {
  if (!record.fault.empty()) {
    reason_ = record.fault;
    Bury(record, block);
  } else if (ParseRow(record)) {
    AppendRow(row_, builder_);
    const int64_t time =
        time_column_ == data::Schema::kNoTime ? 0 : row_[static_cast<size_t>(time_column_)].integer;
    builder_.AddOrigin({time, source_, partition_, position_.records});
  } else {
    Bury(record, block);
  }
  ++position_.records;
  position_.bytes = record.end;
}

bool FilePartition::ParseRow(const Record& record) {
  if (!parser_->Parse(record.bytes, row_, reason_)) return false;
  if (time_column_ == data::Schema::kNoTime) return true;
  const auto index = static_cast<size_t>(time_column_);
  if (row_[index].mark == data::Mark::kValue) return true;
  reason_ = absl::StrCat("column '", columns_[index].name, "': event time is NULL");
  return false;
}

void FilePartition::Bury(const Record& record, SourceBlock& block) {
  const std::string_view raw = Utf8Prefix(record.bytes, limits_.max_raw_bytes);
  block.dead.push_back({position_.records, record.position, reason_, std::string(raw),
                        record.is_cut || raw.size() < record.bytes.size()});
}

}  // namespace

absl::StatusOr<std::unique_ptr<PartitionReader>> PartitionReader::Open(
    const SourceDescription& description, uint32_t partition, std::unique_ptr<ByteSource> source,
    SourcePosition from, const ReaderLimits& limits) {
  CheckDescription(description);
  const std::string path = source->path();
  const Framing framing = description.format == FileFormat::kCsv ? Framing::kCsv : Framing::kLines;
  ASSIGN_OR_RETURN(auto stream, OpenByteStream(std::move(source)));
  auto records = std::make_unique<RecordReader>(std::move(stream), framing, limits.max_record_bytes,
                                                limits.read_bytes);
  auto reader =
      std::make_unique<FilePartition>(description, partition, path, std::move(records), limits);
  const absl::Status started = reader->Start(description, from);
  if (!started.ok()) return Annotate(started, absl::StrCat("file '", path, "'"));
  return reader;
}

}  // namespace streamml::connectors
