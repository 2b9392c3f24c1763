// Cuts a byte stream into records. What a record is depends on the bytes alone, never on how they
// arrive.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/connectors/byte_stream.h"

namespace streamml::connectors::internal {

// kLines: one record per line. kCsv: a line end inside quotes does not end the record.
enum class Framing { kLines, kCsv };

struct Record {
  // Without the line end (LF or CR LF). RowParser::kPadding bytes behind it are readable. Valid
  // until the next call of Next().
  std::string_view bytes;
  uint64_t position = 0;  // of its first byte in the stream
  uint64_t end = 0;       // of the first byte behind its line end
  // Not empty: this is no record but a line to give up, and why. If it is longer than the maximum,
  // `bytes` is its beginning and `is_cut` is set.
  std::string_view fault;
  bool is_cut = false;
};

// One thread at a time. Memory is bounded by the maximum record size plus one read.
class RecordReader {
 public:
  // What is kept of a line longer than max_record_bytes.
  static constexpr size_t kKeptBytes = 128 << 10;

  // `stream` is at position 0. `read_bytes` is at least 1.
  RecordReader(std::unique_ptr<ByteStream> stream, Framing framing, size_t max_record_bytes,
               size_t read_bytes);

  // Skips a UTF-8 byte order mark; INVALID_ARGUMENT for one of UTF-16. Call only at position 0.
  absl::Status SkipByteOrderMark();
  // False at the end. Blank lines are skipped, unless they are kept. A record that has no end
  // within the maximum, or a quoted cell that is still open there or at the end of the stream, is a
  // fault of its first line only. After an error the reader must not be used any more.
  absl::StatusOr<bool> Next(Record& record);
  // From here on an empty line is a record.
  void KeepEmptyLines() { keeps_empty_lines_ = true; }
  // Goes forward to a position where a record starts.
  absl::Status SkipTo(uint64_t position);

  uint64_t position() const { return position_; }

 private:
  struct CsvScan;

  std::string_view Unread() const {
    return std::string_view(buffer_.data() + begin_, end_ - begin_);
  }
  void Consume(size_t size) {
    begin_ += size;
    position_ += size;
  }
  // Reads more, unless the stream has ended.
  absl::Status Fill();
  // Length of the record at the front without its LF, or kNoEnd, in which case `fault_` says why.
  absl::StatusOr<size_t> FindRecordEnd();
  absl::StatusOr<size_t> FindLineEnd();
  absl::StatusOr<size_t> FindCsvEnd();
  absl::StatusOr<bool> TakeFaultyLine(Record& record);
  void Take(size_t size, Record& record);

  const std::unique_ptr<ByteStream> stream_;
  const Framing framing_;
  const size_t max_record_bytes_;
  const size_t read_bytes_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool stream_ended_ = false;
  bool keeps_empty_lines_ = false;
  uint64_t position_ = 0;  // of begin_ in the stream
  std::string fault_;
  std::string kept_;
};

}  // namespace streamml::connectors::internal
