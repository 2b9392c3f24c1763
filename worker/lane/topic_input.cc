#include "worker/lane/topic_input.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/lane/internal/source_rows.h"

namespace streamml::lane {
namespace {

constexpr size_t kBlockRecords = 1024;
constexpr size_t kMaxRawBytes = 64 << 10;  // of a dead letter

class TopicInput final : public Input {
 public:
  TopicInput(TopicInputSpec spec, log::Topics& topics) : spec_(std::move(spec)), topics_(topics) {}

  const InputPoint& position() const override { return position_; }
  int64_t watermark() const override {
    return internal::SourceWatermark(spec_.rules, position_.time);
  }
  bool live() const override { return true; }
  std::string name() const override {
    return absl::StrCat(spec_.rules.source_name, "[", spec_.partition, "] (topic ", spec_.topic,
                        ")");
  }

  absl::Status Seek(const InputPoint& point) override {
    position_ = point;
    reader_ = nullptr;
    records_ = {};
    next_ = 0;
    return absl::OkStatus();
  }

  bool Await(int attempt) override { return reader_ != nullptr && reader_->Await(attempt); }

  absl::StatusOr<std::optional<Block>> Read(uint64_t limit) override {
    RETURN_IF_ERROR(Annotate(Fill(), name()));
    if (next_ == records_.size() || records_[next_].offset >= limit) return std::nullopt;
    Block block;
    block.start = position_;
    std::vector<connectors::DeadLetter> dead;
    for (; next_ < records_.size() && records_[next_].offset < limit; ++next_) {
      Add(records_[next_], dead);
      if (spec_.rules.on_error == OnError::kFail && !dead.empty()) break;
      position_.ordinal = records_[next_].offset + 1;
      ++position_.bytes;
    }
    block.num_records = position_.bytes - block.start.bytes;
    if (spec_.rules.on_error == OnError::kFail && !dead.empty()) {
      // What stands before the bad record is a block; the record fails each time that it is met.
      if (block.num_records == 0) return internal::BadRecord(name(), dead.front());
      dead.clear();
    }
    internal::TakeDead(spec_.rules, spec_.topic, dead, block);
    internal::SplitLate(spec_.rules, decoder_->Finish(), position_.time, block);
    block.end = position_;
    block.watermark = watermark();
    return block;
  }

 private:
  absl::Status Fill() {
    if (next_ < records_.size()) return absl::OkStatus();
    if (decoder_ == nullptr) {
      std::string header = connectors::CsvHeader(spec_.rules.description.columns);
      const size_t size = header.size();
      header.append(connectors::RowParser::kPadding, '\0');
      ASSIGN_OR_RETURN(decoder_, connectors::RecordDecoder::Make(
                                     spec_.rules.description, spec_.partition,
                                     std::string_view(header).substr(0, size), kMaxRawBytes));
    }
    if (reader_ == nullptr) {
      // The first record that was kept when the job began may not be the topic's first.
      const uint64_t start =
          position_.bytes == 0 ? log::TopicReader::kBeginning : position_.ordinal;
      ASSIGN_OR_RETURN(reader_, topics_.Open(spec_.topic, spec_.partition, start));
    }
    ASSIGN_OR_RETURN(records_, reader_->Next(kBlockRecords));
    next_ = 0;
    return absl::OkStatus();
  }

  void Add(const log::TopicRecord& record, std::vector<connectors::DeadLetter>& dead) {
    const connectors::RecordPlace place{record.offset, 0};
    if (record.has_value) {
      decoder_->Add(record.value, place, dead);
    } else {
      decoder_->Bury("", place, "the record is a tombstone: it has a key and no value",
                     /*is_cut=*/false, dead);
    }
  }

  const TopicInputSpec spec_;
  log::Topics& topics_;
  InputPoint position_;
  std::unique_ptr<log::TopicReader> reader_;
  std::unique_ptr<connectors::RecordDecoder> decoder_;
  absl::Span<const log::TopicRecord> records_;  // valid until the reader is asked again
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<Input> MakeTopicInput(TopicInputSpec spec, log::Topics& topics) {
  return std::make_unique<TopicInput>(std::move(spec), topics);
}

}  // namespace streamml::lane
