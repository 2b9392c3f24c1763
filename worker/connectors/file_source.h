// Files as sources: one file is one partition, read in records from any position a block ended at.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/connectors/byte_stream.h"
#include "worker/connectors/dead_letter.h"
#include "worker/connectors/record_decoder.h"
#include "worker/data/batch.h"

namespace streamml::connectors {

// Where a partition is to be read on.
struct SourcePosition {
  uint64_t records = 0;  // ordinal of the next record
  uint64_t bytes = 0;    // uncompressed offset to go on at
  friend bool operator==(const SourcePosition&, const SourcePosition&) = default;
};

struct ReaderLimits {
  size_t max_record_bytes = 16 << 20;  // a longer record is a dead letter
  size_t max_raw_bytes = 64 << 10;     // of a dead letter
  size_t max_block_bytes = 4 << 20;  // a block ends with the record that passes a multiple of this
  size_t read_bytes = 256 << 10;
};

// Rows in the order of the file; each record is one row or one dead letter.
struct SourceBlock {
  data::Batch rows;
  std::vector<DeadLetter> dead;
  SourcePosition end;  // behind the last record of this block
  bool at_end =
      false;  // the partition has no further record; may come with or after the last record
};

// One partition. One thread at a time. Reading it again from a position at which a block ended
// gives exactly the rows, dead letters and positions that followed; how it is cut into blocks
// changes nothing.
class PartitionReader {
 public:
  // `partition` is the rank of the file's path among the source's paths. `from` is 0 or the end of
  // an earlier block. INVALID_ARGUMENT for a header or path that does not fit, UTF-16 or an unknown
  // compression; DATA_LOSS when the position is not in the file. All errors name the path.
  static absl::StatusOr<std::unique_ptr<PartitionReader>> Open(const SourceDescription& description,
                                                               uint32_t partition,
                                                               std::unique_ptr<ByteSource> source,
                                                               SourcePosition from,
                                                               const ReaderLimits& limits = {});

  virtual ~PartitionReader() = default;
  // Reads up to `max_records` records (at least 1), rows and dead letters together; fewer at the
  // end of the file and at ReaderLimits::max_block_bytes. UNAVAILABLE when the disk fails,
  // DATA_LOSS when bytes are gone or corrupt; records before the error are returned first, then the
  // error again and again.
  virtual absl::StatusOr<SourceBlock> Read(size_t max_records) = 0;
};

}  // namespace streamml::connectors
