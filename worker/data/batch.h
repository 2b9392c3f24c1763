// Rows in columns, each with its origin. How a stream is cut into batches never shows in results.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "worker/data/column.h"
#include "worker/data/schema.h"

namespace streamml::data {

// Bounds of event time, in microseconds. kMaxTime is the watermark of an ended input.
inline constexpr int64_t kMinTime = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kMaxTime = std::numeric_limits<int64_t>::max();

// Where a row comes from; carried through every re-key. Rows are processed in this order, so
// neither the number of lanes nor the order of files shows. `source` is the index of the source in
// the manifest, `partition` the rank of the file's path among the source's paths, `offset` the
// ordinal of the record in the partition, counting from 0 and counting records that failed, and
// `event` the number of the row in its record, 0 but for records of several events. Without event
// time, `time` is 0. Offset and event share eight bytes, because every row has an origin.
inline constexpr int kOffsetBits = 48;
inline constexpr uint32_t kMaxEvents = 1 << 16;  // of a record
struct Origin {
  int64_t time = 0;
  uint32_t source = 0;
  uint32_t partition = 0;
  uint64_t offset : kOffsetBits = 0;
  uint64_t event : 16 = 0;
  // Offset and event in order.
  uint64_t place() const { return offset << 16 | event; }
  friend std::strong_ordering operator<=>(const Origin& a, const Origin& b) {
    if (const auto order = a.time <=> b.time; order != 0) return order;
    if (const auto order = a.source <=> b.source; order != 0) return order;
    if (const auto order = a.partition <=> b.partition; order != 0) return order;
    return a.place() <=> b.place();
  }
  friend bool operator==(const Origin& a, const Origin& b) { return (a <=> b) == 0; }
};

// A value type: copying shares columns and origins. Columns and origins all have num_rows() rows.
class Batch {
 public:
  Batch() = default;
  Batch(std::shared_ptr<const Schema> schema, std::vector<std::shared_ptr<const Column>> columns,
        std::shared_ptr<const std::vector<Origin>> origins)
      : schema_(std::move(schema)), columns_(std::move(columns)), origins_(std::move(origins)) {}

  size_t num_rows() const { return origins_ == nullptr ? 0 : origins_->size(); }
  const Schema& schema() const { return *schema_; }
  const std::shared_ptr<const Schema>& shared_schema() const { return schema_; }
  const Column& column(size_t index) const { return *columns_[index]; }
  const std::shared_ptr<const Column>& shared_column(size_t index) const { return columns_[index]; }
  const std::vector<std::shared_ptr<const Column>>& columns() const { return columns_; }
  const Origin& origin(size_t row) const { return (*origins_)[row]; }
  const std::vector<Origin>& origins() const { return *origins_; }
  const std::shared_ptr<const std::vector<Origin>>& shared_origins() const { return origins_; }

 private:
  std::shared_ptr<const Schema> schema_;
  std::vector<std::shared_ptr<const Column>> columns_;
  std::shared_ptr<const std::vector<Origin>> origins_;
};

// The rows of `batch` at `rows`, in that order; indexes are below batch.num_rows().
Batch Take(const Batch& batch, const std::vector<uint32_t>& rows);

// Builds a batch row by row or column by column; Finish() leaves the builder empty for the next
// one.
class BatchBuilder {
 public:
  explicit BatchBuilder(std::shared_ptr<const Schema> schema);

  Column& column(size_t index) { return *columns_[index]; }
  // Call once per row, before or after its values.
  void AddOrigin(const Origin& origin) { origins_->push_back(origin); }
  size_t num_rows() const { return origins_->size(); }
  // Appends all rows of a batch of the same schema.
  void Append(const Batch& batch);
  Batch Finish();

 private:
  void Reset();

  std::shared_ptr<const Schema> schema_;
  std::vector<std::shared_ptr<Column>> columns_;
  std::shared_ptr<std::vector<Origin>> origins_;
};

}  // namespace streamml::data
