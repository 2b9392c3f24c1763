// Sources in memory and their rows as text, for the tests of this folder.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "worker/connectors/file_source.h"

namespace streamml::connectors {

// Bytes in memory. From `fails_at` on, reads fail as a disk does.
class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string bytes, uint64_t fails_at = UINT64_MAX);
  const std::string& path() const override { return path_; }
  uint64_t size() const override { return bytes_.size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t position, char* out, size_t capacity) override;

 private:
  const std::string path_ = "events";
  const std::string bytes_;
  const uint64_t fails_at_;
};

// One gzip member.
std::string Gzip(std::string_view bytes);

// All of a stream, read `capacity` bytes at a time.
absl::StatusOr<std::string> ReadAll(ByteStream& stream, size_t capacity);

// The result of one RowParser::Parse: "id=a amount=12.5 at=null" or "! reason".
std::string ParseToText(RowParser& parser, const std::vector<SourceColumn>& columns,
                        std::string_view record);

// One line per record: origin and values, or position, reason and raw bytes of a dead letter.
std::vector<std::string> Lines(const SourceBlock& block);

// A description whose schema has the given columns; `time_column` as in data::Schema.
SourceDescription Describe(FileFormat format, std::vector<SourceColumn> columns,
                           int time_column = data::Schema::kNoTime);

// Every record from `from` to the end, in blocks of `max_records`; the status of the first failure
// is the last line.
struct Reading {
  std::vector<std::string> lines;
  std::vector<SourcePosition> ends;  // of every block
};
Reading ReadFrom(const SourceDescription& description, const std::string& bytes,
                 SourcePosition from, size_t max_records, const ReaderLimits& limits = {});

}  // namespace streamml::connectors
