#include "worker/lane/output.h"

#include <algorithm>
#include <utility>

#include "absl/log/check.h"
#include "base/bytes.h"
#include "worker/data/partition_key.h"
#include "worker/data/row_codec.h"

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

void Output::EmitToSink(size_t sink, const data::Batch& batch) {
  if (batch.num_rows() == 0) return;
  if (!writers_[sink].has_value()) writers_[sink].emplace(batch.schema());
  std::string& bytes = sinks_[sink];
  Digest& digest = digests_[topics_.size() + sink];
  size_t start = bytes.size();
  size_bytes_ -= start;
  writers_[sink]->Append(batch, bytes);
  size_bytes_ += bytes.size();
  while (start < bytes.size()) {
    const size_t end = bytes.find('\n', start) + 1;
    digest.Chain(std::string_view(bytes).substr(start, end - start));
    start = end;
  }
  num_rows_[topics_.size() + sink] += batch.num_rows();
}

void Output::EmitLine(size_t sink, std::string_view line) {
  std::string& bytes = sinks_[sink];
  const size_t start = bytes.size();
  bytes.append(line);
  bytes.push_back('\n');
  digests_[topics_.size() + sink].Chain(std::string_view(bytes).substr(start));
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
