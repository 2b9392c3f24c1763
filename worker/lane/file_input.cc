#include "worker/lane/file_input.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/connectors/json_rows.h"

namespace streamml::lane {
namespace {

class FileInput final : public Input {
 public:
  explicit FileInput(FileInputSpec spec) : spec_(std::move(spec)) {}

  const InputPoint& position() const override { return position_; }
  int64_t watermark() const override {
    if (position_.ended) return data::kMaxTime;
    if (position_.time == data::kMinTime) return data::kMinTime;
    return std::max(position_.time, data::kMinTime + 1 + spec_.delay_us) - spec_.delay_us;
  }
  std::string name() const override {
    return absl::StrCat(spec_.source_name, "[", spec_.partition, "] (", spec_.path, ")");
  }

  absl::Status Seek(const InputPoint& point) override {
    position_ = point;
    reader_ = nullptr;
    end_seen_ = false;
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<Block>> Read(uint64_t limit) override {
    if (position_.ended) return std::nullopt;
    const uint64_t boundary = (position_.ordinal / spec_.block_records + 1) * spec_.block_records;
    if (limit <= position_.ordinal) return std::nullopt;
    Block block;
    block.start = position_;
    if (end_seen_) {
      position_.ended = true;
      block.rows = data::BatchBuilder(spec_.description.schema).Finish();
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
        SplitLate(data::BatchBuilder(spec_.description.schema).Finish(), block);
        return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(reader_, connectors::PartitionReader::Open(
                                    spec_.description, spec_.partition, std::move(source),
                                    {position_.ordinal, position_.bytes}));
    }
    ASSIGN_OR_RETURN(connectors::SourceBlock read, reader_->Read(max_records));
    if (spec_.on_error == OnError::kFail && !read.dead.empty()) {
      // What stands before the bad record is read once more and is a block of its own; the record
      // itself fails each time that it is met, in this life or another.
      const connectors::DeadLetter& letter = read.dead.front();
      reader_ = nullptr;
      if (letter.record == position_.ordinal) return BadRecord(letter);
      return ReadRecords(letter.record - position_.ordinal, block);
    }
    block.num_records = read.end.records - position_.ordinal;
    TakeDead(read, block);
    SplitLate(read.rows, block);
    position_.ordinal = read.end.records;
    position_.bytes = read.end.bytes;
    // The end is a block of its own, so that it does not depend on how far a reader happens to look
    // ahead.
    end_seen_ = read.at_end;
    position_.ended = read.at_end && block.num_records == 0;
    return absl::OkStatus();
  }

  absl::Status BadRecord(const connectors::DeadLetter& letter) const {
    return absl::InvalidArgumentError(absl::StrCat(
        name(), ": record ", letter.record, " at byte ", letter.byte_position, ": ", letter.reason,
        "; onError.policy is fail; mend the record or choose deadLetter or skip, "
        "and start over in another --data-dir"));
  }

  void TakeDead(const connectors::SourceBlock& read, Block& block) const {
    for (const connectors::DeadLetter& letter : read.dead) {
      DeadRecord dead{letter.record, ""};
      if (spec_.on_error == OnError::kDeadLetter) {
        connectors::AppendDeadLetterJson(
            spec_.source_name, spec_.path.substr(spec_.path.rfind('/') + 1), letter, dead.json);
        while (!dead.json.empty() && dead.json.back() == '\n') dead.json.pop_back();
      }
      block.dead.push_back(std::move(dead));
    }
  }

  // Judged row by row against the file's own watermark, which makes it independent of lanes and
  // batches.
  void SplitLate(const data::Batch& rows, Block& block) {
    if (spec_.description.schema->time_column() == data::Schema::kNoTime) {
      block.rows = rows;
      block.late = data::BatchBuilder(spec_.description.schema).Finish();
      return;
    }
    std::vector<uint32_t> on_time;
    std::vector<uint32_t> late;
    for (uint32_t row = 0; row < rows.num_rows(); ++row) {
      const int64_t time = rows.origin(row).time;
      (time < watermark() ? late : on_time).push_back(row);
      position_.time = std::max(position_.time, time);
    }
    block.rows = late.empty() ? rows : data::Take(rows, on_time);
    block.late = data::Take(rows, late);
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
