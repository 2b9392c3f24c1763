#include "worker/connectors/file_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/connectors/internal/record_reader.h"

namespace streamml::connectors {
namespace {

using internal::Framing;
using internal::Record;
using internal::RecordReader;

absl::StatusOr<std::unique_ptr<RecordDecoder>> MakeDecoder(const SourceDescription& description,
                                                           uint32_t partition,
                                                           const ReaderLimits& limits,
                                                           RecordReader& records) {
  if (description.format == FileFormat::kJson) {
    return RecordDecoder::Make(description, partition, "", limits.max_raw_bytes);
  }
  Record header;
  ASSIGN_OR_RETURN(const bool found, records.Next(header));
  if (!found) return absl::InvalidArgumentError("the file is empty, expected a csv header line");
  if (!header.fault.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("csv header: ", header.fault));
  }
  return RecordDecoder::Make(description, partition, header.bytes, limits.max_raw_bytes);
}

class FilePartition : public PartitionReader {
 public:
  FilePartition(std::string path, std::unique_ptr<RecordReader> records, const ReaderLimits& limits)
      : path_(std::move(path)), limits_(limits), records_(std::move(records)) {}

  absl::Status Start(const SourceDescription& description, uint32_t partition, SourcePosition from);
  absl::StatusOr<SourceBlock> Read(size_t max_records) override;

 private:
  void AddRecord(const Record& record, SourceBlock& block);

  const std::string path_;
  const ReaderLimits limits_;
  const std::unique_ptr<RecordReader> records_;
  std::unique_ptr<RecordDecoder> decoder_;
  SourcePosition position_;
  absl::Status failure_;
};

absl::Status FilePartition::Start(const SourceDescription& description, uint32_t partition,
                                  SourcePosition from) {
  RETURN_IF_ERROR(records_->SkipByteOrderMark());
  ASSIGN_OR_RETURN(decoder_, MakeDecoder(description, partition, limits_, *records_));
  if (decoder_->takes_empty_lines()) records_->KeepEmptyLines();
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
  block.rows = decoder_->Finish();
  block.end = position_;
  return block;
}

void FilePartition::AddRecord(const Record& record, SourceBlock& block) {
  const RecordPlace place{position_.records, record.position};
  if (record.fault.empty()) {
    // A record is cut only with a fault.
    decoder_->Add(record.bytes, place, block.dead);
  } else {
    decoder_->Bury(record.bytes, place, record.fault, record.is_cut, block.dead);
  }
  ++position_.records;
  position_.bytes = record.end;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PartitionReader>> PartitionReader::Open(
    const SourceDescription& description, uint32_t partition, std::unique_ptr<ByteSource> source,
    SourcePosition from, const ReaderLimits& limits) {
  const std::string path = source->path();
  const Framing framing = description.format == FileFormat::kCsv ? Framing::kCsv : Framing::kLines;
  ASSIGN_OR_RETURN(auto stream, OpenByteStream(std::move(source)));
  auto records = std::make_unique<RecordReader>(std::move(stream), framing, limits.max_record_bytes,
                                                limits.read_bytes);
  auto reader = std::make_unique<FilePartition>(path, std::move(records), limits);
  const absl::Status started = reader->Start(description, partition, from);
  if (!started.ok()) return Annotate(started, absl::StrCat("file '", path, "'"));
  return reader;
}

}  // namespace streamml::connectors
