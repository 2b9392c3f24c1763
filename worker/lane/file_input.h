// A file of a source as an input of a lane: lateness and watermark, dead letters as lines.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "worker/connectors/file_source.h"
#include "worker/lane/input.h"

namespace streamml::lane {

enum class OnError : uint8_t { kDeadLetter, kSkip, kFail };

// Blocks end at ordinals that are multiples of this (or sooner, at fixed places).
inline constexpr uint64_t kFileBlockRecords = 1024;

struct FileInputSpec {
  std::string source_name;
  connectors::SourceDescription description;
  uint32_t partition = 0;  // rank of the path among the source's paths
  std::string path;        // for messages and dead letters
  // A row is late when it is older than the greatest event time before it in this file, less
  // `delay_us`.
  int64_t delay_us = 0;
  OnError on_error = OnError::kDeadLetter;
  uint64_t block_records =
      kFileBlockRecords;  // shows in the merge order of several files; else nowhere
  std::function<absl::StatusOr<std::unique_ptr<connectors::ByteSource>>()> open;
};

std::unique_ptr<Input> MakeFileInput(FileInputSpec spec);

}  // namespace streamml::lane
