// A file of a source as an input of a lane: lateness and watermark, dead letters as lines.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "worker/connectors/file_source.h"
#include "worker/lane/input.h"
#include "worker/lane/source_rules.h"

namespace streamml::lane {

// Blocks end at ordinals that are multiples of this (or sooner, at fixed places).
inline constexpr uint64_t kFileBlockRecords = 1024;

struct FileInputSpec {
  SourceRules rules;
  uint32_t partition = 0;  // rank of the path among the source's paths
  std::string path;        // for messages and dead letters
  uint64_t block_records =
      kFileBlockRecords;  // shows in the merge order of several files; else nowhere
  std::function<absl::StatusOr<std::unique_ptr<connectors::ByteSource>>()> open;
};

std::unique_ptr<Input> MakeFileInput(FileInputSpec spec);

}  // namespace streamml::lane
