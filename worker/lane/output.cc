#include "worker/lane/output.h"

#include <algorithm>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "worker/data/partition_key.h"
#include "worker/data/record_key.h"
#include "worker/data/row_codec.h"
#include "worker/lane/internal/failed_row.h"

namespace streamml::lane {
uint64_t KeyHash(const data::Batch& batch, size_t row, const std::vector<size_t>& columns,
                 std::string& scratch) {
  scratch.clear();
  data::AppendPartitionKey(batch, row, columns, scratch);
  return Hash64(scratch);
}

Output::Output(const StageSpec& stage)
    : stage_(stage),
      sinks_(stage.sinks.size()),
      records_(stage.sinks.size()),
      writers_(stage.sinks.size()),
      digests_(stage.topics.size() + stage.sinks.size()),
      num_rows_(digests_.size()) {
  for (const TopicOutput& topic : stage.topics) {
    std::vector<log::Frame> partitions(topic.num_partitions);
    for (uint32_t i = 0; i < topic.num_partitions; ++i) {
      partitions[i].topic = topic.topic;
      partitions[i].partition = i;
    }
    topics_.push_back(std::move(partitions));
  }
}

void Output::EmitToTopic(size_t topic, const data::Batch& batch) {
  const TopicOutput& output = stage_.topics[topic];
  std::vector<log::Frame>& partitions = topics_[topic];
  for (size_t row = 0; row < batch.num_rows(); ++row) {
    const uint64_t partition =
        output.key_columns.empty()
            ? 0
            : KeyHash(batch, row, output.key_columns, scratch_) % partitions.size();
    log::Frame& frame = partitions[partition];
    const size_t before = frame.rows.size();
    data::EncodeRow(batch, row, frame.rows);
    digests_[topic].Chain(std::string_view(frame.rows).substr(before));
    size_bytes_ += frame.rows.size() - before;
    ++frame.num_rows;
  }
  num_rows_[topic] += batch.num_rows();
}

void Output::EmitToSink(size_t sink, const data::Batch& batch,
                        std::vector<operators::RowError>& too_large) {
  if (batch.num_rows() == 0) return;
  const SinkOutput& spec = stage_.sinks[sink];
  if (!writers_[sink].has_value()) writers_[sink].emplace(batch.schema());
  std::string& bytes = sinks_[sink];
  for (size_t row = 0; row < batch.num_rows(); ++row) {
    const size_t start = bytes.size();
    writers_[sink]->Append(batch, row, bytes);
    if (spec.topic.empty()) {
      digests_[topics_.size() + sink].Chain(std::string_view(bytes).substr(start));
    } else if (const size_t size = AddRecord(sink, batch, row, start); size > 0) {
      operators::RowError error;
      error.origin = batch.origin(row);
      error.reason = absl::StrCat("a record of ", size, " bytes; the most is ",
                                  spec.max_record_bytes, " (maxRecordBytes)");
      error.row = bytes.substr(start, bytes.size() - 1 - start);
      bytes.resize(start);
      if (spec.dead_sink >= 0) {
        too_large.push_back(std::move(error));
      } else {
        EmitLine(sink, internal::FailedRowJson({spec.name, "sink", sink, std::move(error)}));
      }
      continue;
    }
    size_bytes_ += bytes.size() - start;
    ++num_rows_[topics_.size() + sink];
  }
}

size_t Output::AddRecord(size_t sink, const data::Batch& batch, size_t row, size_t line) {
  const SinkOutput& spec = stage_.sinks[sink];
  const std::string& bytes = sinks_[sink];
  RecordPlace place{line, bytes.size() - 1 - line, keys_.size(), 0, 0, batch.origin(row).time};
  data::AppendRecordKey(batch, row, spec.key_columns, keys_);
  place.key_size = keys_.size() - place.key;
  if (place.line_size + place.key_size > spec.max_record_bytes) {
    keys_.resize(place.key);
    return place.line_size + place.key_size;
  }
  Digest& digest = digests_[topics_.size() + sink];
  digest.Chain(std::string_view(bytes).substr(line));
  if (spec.key_columns.empty()) {
    place.partition = PartitionOf(spec, batch.origin(row));
  } else {
    digest.Chain(std::string_view(keys_).substr(place.key));
  }
  records_[sink].push_back(place);
  return 0;
}

// By origin, so that it does not depend on which lane writes.
int32_t Output::PartitionOf(const SinkOutput& spec, const data::Origin& origin) {
  scratch_.clear();
  ByteWriter writer(scratch_);
  writer.U32(origin.source);
  writer.U32(origin.partition);
  writer.U64(origin.offset);
  if (origin.event > 0) writer.U64(origin.event);
  return static_cast<int32_t>(Hash64(scratch_) % spec.num_partitions);
}

std::vector<log::OutRecord> Output::Records() const {
  std::vector<log::OutRecord> records;
  for (size_t sink = 0; sink < records_.size(); ++sink) {
    const SinkOutput& spec = stage_.sinks[sink];
    for (const RecordPlace& place : records_[sink]) {
      log::OutRecord record;
      record.topic = &spec.topic;
      record.has_key = !spec.key_columns.empty();
      record.partition = place.partition;
      record.key = std::string_view(keys_).substr(place.key, place.key_size);
      record.value = std::string_view(sinks_[sink]).substr(place.line, place.line_size);
      record.timestamp_us = place.time;
      records.push_back(record);
    }
  }
  return records;
}

void Output::EmitLine(size_t sink, std::string_view line) {
  std::string& bytes = sinks_[sink];
  const size_t start = bytes.size();
  bytes.append(line);
  bytes.push_back('\n');
  digests_[topics_.size() + sink].Chain(std::string_view(bytes).substr(start));
  if (!stage_.sinks[sink].topic.empty()) {
    records_[sink].push_back({start, line.size(), 0, 0, 0, 0});
  }
  size_bytes_ += bytes.size() - start;
  ++num_rows_[topics_.size() + sink];
}

std::vector<log::Frame> Output::Frames(bool markers) {
  std::vector<log::Frame> frames;
  for (const std::vector<log::Frame>& partitions : topics_) {
    for (const log::Frame& frame : partitions) {
      if (frame.num_rows > 0 || markers) frames.push_back(frame);
    }
  }
  return frames;
}

void Output::Clear() {
  for (std::vector<log::Frame>& partitions : topics_) {
    for (log::Frame& frame : partitions) {
      frame.rows.clear();
      frame.num_rows = 0;
    }
  }
  for (std::string& sink : sinks_) sink.clear();
  for (std::vector<RecordPlace>& records : records_) records.clear();
  keys_.clear();
  std::fill(num_rows_.begin(), num_rows_.end(), 0);
  size_bytes_ = 0;
}

Digest Output::digest() const {
  std::string bytes;
  ByteWriter writer(bytes);
  for (const Digest& digest : digests_) {
    writer.U64(digest.low);
    writer.U64(digest.high);
  }
  return Hash128(bytes);
}

}  // namespace streamml::lane
