#include "worker/lane/file_input.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/lane/internal/source_rows.h"

namespace streamml::lane {
namespace {

class FileInput final : public Input {
 public:
  explicit FileInput(FileInputSpec spec) : spec_(std::move(spec)) {}

  const InputPoint& position() const override { return position_; }
  int64_t watermark() const override {
    if (position_.ended) return data::kMaxTime;
    return internal::SourceWatermark(spec_.rules, position_.time);
  }
  std::string name() const override {
    return absl::StrCat(spec_.rules.source_name, "[", spec_.partition, "] (", spec_.path, ")");
  }

  absl::Status Seek(const InputPoint& point) override {
    position_ = point;
    reader_ = nullptr;
    end_seen_ = false;
    return absl::OkStatus();
  }

  // A file does not say how many records follow, nor when they were written.
  std::optional<log::Backlog> backlog() const override {
    return position_.ended ? std::optional(log::Backlog{}) : std::nullopt;
  }

  absl::StatusOr<std::optional<Block>> Read(uint64_t limit) override {
    if (position_.ended) return std::nullopt;
    const uint64_t boundary = (position_.ordinal / spec_.block_records + 1) * spec_.block_records;
    if (limit <= position_.ordinal) return std::nullopt;
    Block block;
    block.start = position_;
    if (end_seen_) {
      position_.ended = true;
      block.rows = data::BatchBuilder(spec_.rules.description.schema).Finish();
      block.late = block.rows;
    } else {
      RETURN_IF_ERROR(ReadRecords(std::min(limit, boundary) - position_.ordinal, block));
    }
    block.end = position_;
    block.watermark = watermark();
    return block;
  }

 private:
  absl::Status ReadRecords(uint64_t max_records, Block& block) {
    if (reader_ == nullptr) {
      ASSIGN_OR_RETURN(std::unique_ptr<connectors::ByteSource> source, spec_.open());
      if (source->size() == 0) {  // not even a header: no records
        position_.ended = true;
        internal::SplitLate(spec_.rules,
                            data::BatchBuilder(spec_.rules.description.schema).Finish(),
                            position_.time, block);
        return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(reader_, connectors::PartitionReader::Open(
                                    spec_.rules.description, spec_.partition, std::move(source),
                                    {position_.ordinal, position_.bytes}));
    }
    ASSIGN_OR_RETURN(connectors::SourceBlock read, reader_->Read(max_records));
    if (spec_.rules.on_error == OnError::kFail && !read.dead.empty()) {
      // What stands before the bad record is read once more and is a block of its own; the record
      // itself fails each time that it is met, in this life or another.
      const connectors::DeadLetter& letter = read.dead.front();
      reader_ = nullptr;
      if (letter.record == position_.ordinal) return internal::BadRecord(name(), letter);
      return ReadRecords(letter.record - position_.ordinal, block);
    }
    block.num_records = read.end.records - position_.ordinal;
    internal::TakeDead(spec_.rules, spec_.path.substr(spec_.path.rfind('/') + 1), read.dead, block);
    internal::SplitLate(spec_.rules, read.rows, position_.time, block);
    position_.ordinal = read.end.records;
    position_.bytes = read.end.bytes;
    // The end is a block of its own, so that it does not depend on how far a reader happens to look
    // ahead.
    end_seen_ = read.at_end;
    position_.ended = read.at_end && block.num_records == 0;
    return absl::OkStatus();
  }

  const FileInputSpec spec_;
  InputPoint position_;
  std::unique_ptr<connectors::PartitionReader> reader_;
  bool end_seen_ = false;
};

}  // namespace

std::unique_ptr<Input> MakeFileInput(FileInputSpec spec) {
  return std::make_unique<FileInput>(std::move(spec));
}

}  // namespace streamml::lane
