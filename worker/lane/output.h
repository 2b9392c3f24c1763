// What a lane emits between two commits, and the digests over all it ever emitted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "worker/connectors/json_rows.h"
#include "worker/data/batch.h"
#include "worker/lane/program.h"
#include "worker/log/log.h"
#include "worker/operators/operator.h"

namespace streamml::lane {

// Hash of the key columns of a row, equal for keys that SQL calls equal (-0 and 0, all NaN, all
// NULL).
uint64_t KeyHash(const data::Batch& batch, size_t row, const std::vector<size_t>& columns,
                 std::string& scratch);

// Rows are chained into the digest of their destination one by one, so digests do not depend on how
// the stream is cut. One thread.
class Output {
 public:
  explicit Output(const StageSpec& stage);

  void EmitToTopic(size_t topic, const data::Batch& batch);
  // Rows that are larger than the sink's bound are left out and added to `too_large`; of a sink
  // without a dead sink their beginnings are written.
  void EmitToSink(size_t sink, const data::Batch& batch,
                  std::vector<operators::RowError>& too_large);
  // One line without line end.
  void EmitLine(size_t sink, std::string_view line);

  // The frames emitted since the last Clear, in order of topic and partition; with `markers`, also
  // empty ones for partitions that got no row.
  std::vector<log::Frame> Frames(bool markers);
  // The records for topics since the last Clear, in order of sink and row. Texts are valid until
  // something more is emitted.
  std::vector<log::OutRecord> Records() const;
  // Lines of a sink since the last Clear, also of one that writes to a topic.
  const std::string& sink_bytes(size_t sink) const { return sinks_[sink]; }
  size_t num_sinks() const { return sinks_.size(); }
  // Bytes waiting for a commit.
  size_t size_bytes() const { return size_bytes_; }
  void Clear();

  // Over everything emitted, in fixed order of destinations.
  Digest digest() const;
  std::vector<Digest>& destination_digests() { return digests_; }
  const std::vector<Digest>& destination_digests() const { return digests_; }
  // Rows emitted since Clear by destination: topics first, then sinks.
  const std::vector<uint64_t>& num_rows() const { return num_rows_; }

 private:
  // A record for a topic: a line of its sink, and its key in keys_.
  struct RecordPlace {
    size_t line = 0;
    size_t line_size = 0;  // without line end
    size_t key = 0;
    size_t key_size = 0;
    int32_t partition = 0;
    int64_t time = 0;
  };
  // 0, or the size of a record that is larger than the sink's bound: nothing of it is left but the
  // line.
  size_t AddRecord(size_t sink, const data::Batch& batch, size_t row, size_t line);
  int32_t PartitionOf(const SinkOutput& spec, const data::Origin& origin);

  const StageSpec& stage_;
  std::vector<std::vector<log::Frame>> topics_;  // by topic, by partition
  std::vector<std::string> sinks_;
  std::vector<std::vector<RecordPlace>> records_;  // by sink
  std::string keys_;
  std::vector<std::optional<connectors::JsonRowWriter>> writers_;  // by sink, once rows came
  std::vector<Digest> digests_;                                    // topics first, then sinks
  std::vector<uint64_t> num_rows_;
  size_t size_bytes_ = 0;
  std::string scratch_;
};

}  // namespace streamml::lane
