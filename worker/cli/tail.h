// Copies what is appended to a sink's part files to standard output.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/disk.h"
#include "worker/cli/load.h"

namespace streamml::cli {

// Sees whole lines, also of rows that are not committed yet. One thread.
class SinkTail {
 public:
  // From the end that each part file of the sink has now. INVALID_ARGUMENT when the job has no such
  // sink, or it is a topic.
  static absl::StatusOr<SinkTail> Make(const Job& job, const std::string& sink, Disk& disk);
  // Prints what has come since.
  absl::Status Copy();

 private:
  struct Part {
    std::string path;
    uint64_t position = 0;
  };
  explicit SinkTail(Disk& disk) : disk_(&disk) {}

  Disk* disk_;
  std::vector<Part> parts_;
};

}  // namespace streamml::cli
