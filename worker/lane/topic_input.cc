#include "worker/lane/topic_input.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/data/record_key.h"
#include "worker/lane/internal/source_rows.h"

namespace streamml::lane {
namespace {

constexpr size_t kBlockRecords = 1024;     // also about the most rows
constexpr size_t kMaxRawBytes = 64 << 10;  // of a dead letter

class TopicInput final : public Input {
 public:
  TopicInput(TopicInputSpec spec, log::Topics& topics) : spec_(std::move(spec)), topics_(topics) {}

  const InputPoint& position() const override { return position_; }
  int64_t watermark() const override {
    return internal::SourceWatermark(spec_.rules, position_.time);
  }
  bool live() const override { return true; }
  int64_t idle_us() const override { return spec_.rules.idle_us; }
  void Raise(int64_t watermark) override {
    position_.time = std::max(position_.time, internal::TimeOfWatermark(spec_.rules, watermark));
  }
  std::string name() const override {
    return absl::StrCat(spec_.rules.source_name, "[", spec_.partition, "] (topic ", spec_.topic,
                        ")");
  }

  absl::Status Seek(const InputPoint& point) override {
    position_ = point;
    reader_ = nullptr;
    records_ = {};
    next_ = 0;
    last_us_ = 0;
    return absl::OkStatus();
  }

  void NoteCommitted() override {
    if (position_.bytes == 0) return;  // nobody has read anything
    topics_.NoteProgress(spec_.topic, spec_.partition, position_.ordinal);
  }

  bool Await(int attempt) override { return reader_ != nullptr && reader_->Await(attempt); }

  std::optional<log::Backlog> backlog() const override {
    if (reader_ == nullptr) return std::nullopt;
    const std::optional<uint64_t> behind = reader_->num_unread();
    if (!behind.has_value()) return std::nullopt;
    log::Backlog backlog{*behind + (records_.size() - next_), 0};
    if (backlog.rows == 0) return backlog;
    // The next record; where it has not been fetched yet, the last one, which is hardly younger.
    const int64_t written = next_ < records_.size() ? records_[next_].timestamp_us : last_us_;
    backlog.oldest_us = std::max<int64_t>(written, 0);
    return backlog;
  }

  absl::StatusOr<std::optional<Block>> Read(uint64_t limit) override {
    RETURN_IF_ERROR(Explain(Fill()));
    if (next_ == records_.size()) return std::nullopt;
    if (records_[next_].offset >= limit) return Gap(limit);
    const size_t first = next_;
    Block block;
    block.start = position_;
    std::vector<connectors::DeadLetter> dead;
    size_t num_rows = 0;  // of whole records
    for (; next_ < records_.size() && records_[next_].offset < limit; ++next_) {
      if (block.num_records >= kBlockRecords) break;  // a record may hold many events
      const size_t num_events = Add(records_[next_], dead);
      if (spec_.rules.on_error == OnError::kFail && !dead.empty()) break;
      block.num_records += num_events;
      num_rows = decoder_->num_rows();
      position_.ordinal = records_[next_].offset + 1;
      ++position_.bytes;
    }
    data::Batch rows = decoder_->Finish();
    if (spec_.rules.on_error == OnError::kFail && !dead.empty()) {
      // What stands before the bad record is a block; the record fails each time that it is met.
      if (position_.ordinal == block.start.ordinal) {
        return internal::BadTopicRecord(name(), dead.front());
      }
      dead.clear();
      if (rows.num_rows() > num_rows) rows = FirstRows(rows, num_rows);
    }
    const std::optional<size_t> misplaced = FindMisplaced(rows);
    if (misplaced.has_value()) {
      const uint64_t offset = rows.origin(*misplaced).offset;
      next_ = first;
      position_ = block.start;
      if (offset == records_[first].offset) return Misplaced(rows, *misplaced);
      return Read(offset);  // what stands before it; the record fails each time that it is met
    }
    internal::TakeDead(spec_.rules, {spec_.topic, spec_.partition}, dead, block);
    internal::SplitLate(spec_.rules, rows, position_.time, block);
    block.end = position_;
    block.watermark = watermark();
    return block;
  }

 private:
  // What is between the position and the limit is not there any more, if anything ever was.
  std::optional<Block> Gap(uint64_t limit) {
    if (position_.ordinal >= limit) return std::nullopt;
    Block block;
    block.rows = data::BatchBuilder(spec_.rules.description.schema).Finish();
    block.late = block.rows;
    block.start = position_;
    position_.ordinal = limit;
    block.end = position_;
    block.watermark = watermark();
    return block;
  }

  // I8: where it stands, and what can be done.
  absl::Status Explain(const absl::Status& status) const {
    const bool is_lost =
        absl::IsDataLoss(status) || absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
    if (!is_lost) return Annotate(status, name());
    return {
        status.code(),
        absl::StrCat(name(), ", offset ", position_.ordinal, ": ", std::string(status.message()),
                     "; what was read before is committed; way out: start over under another "
                     "name (metadata.name or spec.identity), which reads what is there now")};
  }

  std::optional<size_t> FindMisplaced(const data::Batch& rows) {
    if (!spec_.partitioning.has_value()) return std::nullopt;
    for (size_t row = 0; row < rows.num_rows(); ++row) {
      if (PartitionOf(rows, row) != spec_.partition) return row;
    }
    return std::nullopt;
  }

  // Nothing where a part of the key is NULL: producers put such records anywhere.
  std::optional<uint32_t> PartitionOf(const data::Batch& rows, size_t row) {
    const Partitioning& by = *spec_.partitioning;
    for (const size_t column : by.columns) {
      if (!rows.column(column).HasValue(row)) return std::nullopt;
    }
    key_.clear();
    data::AppendRecordKey(rows, row, by.columns, key_);
    return connectors::PartitionOfKey(by.partitioner, key_, by.num_partitions);
  }

  absl::Status Misplaced(const data::Batch& rows, size_t row) {
    const Partitioning& by = *spec_.partitioning;
    const std::optional<uint32_t> right = PartitionOf(rows, row);
    const std::string belongs =
        right.has_value() ? absl::StrCat("a row with key '", key_.substr(0, 100),
                                         "' belongs into partition ", *right, " of ",
                                         by.num_partitions, " by ", PartitionerName(by.partitioner))
                          : "a row whose key is NULL belongs into no partition";
    return absl::InvalidArgumentError(absl::StrCat(
        name(), ", offset ", rows.origin(row).offset, ": ", belongs,
        ", so partitionedBy does not hold; what was read before is committed; way out: leave "
        "partitionedBy out, then the job re-keys by itself, and start over under another name "
        "(metadata.name or spec.identity)"));
  }

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
    if (!records_.empty()) last_us_ = records_.back().timestamp_us;
    next_ = 0;
    return absl::OkStatus();
  }

  // The number of its events.
  size_t Add(const log::TopicRecord& record, std::vector<connectors::DeadLetter>& dead) {
    connectors::RecordMetadata metadata;
    if (record.has_key) metadata.key = record.key;
    if (record.timestamp_us >= 0) metadata.timestamp_us = record.timestamp_us;
    if (decoder_->wants_headers()) {
      headers_.clear();
      for (const log::TopicHeader& header : record.headers) {
        headers_.push_back({header.name, std::nullopt});
        if (header.has_value) headers_.back().value = header.value;
      }
      metadata.headers = headers_;
    }
    std::optional<std::string_view> value;
    if (record.has_value) value = record.value;
    return decoder_->Add(value, metadata, {record.offset, 0}, dead);
  }

  static data::Batch FirstRows(const data::Batch& rows, size_t count) {
    std::vector<uint32_t> first(count);
    std::iota(first.begin(), first.end(), 0);
    return data::Take(rows, first);
  }

  const TopicInputSpec spec_;
  log::Topics& topics_;
  InputPoint position_;
  std::unique_ptr<log::TopicReader> reader_;
  std::unique_ptr<connectors::RecordDecoder> decoder_;
  std::vector<connectors::RecordHeader> headers_;
  std::string key_;                             // buffer
  absl::Span<const log::TopicRecord> records_;  // valid until the reader is asked again
  size_t next_ = 0;
  int64_t last_us_ = 0;  // when the last record that was fetched had been written
};

}  // namespace

std::unique_ptr<Input> MakeTopicInput(TopicInputSpec spec, log::Topics& topics) {
  return std::make_unique<TopicInput>(std::move(spec), topics);
}

}  // namespace streamml::lane
