#include "worker/cli/tail.h"

#include <iostream>
#include <set>

#include "absl/strings/str_join.h"
#include "base/status.h"

namespace streamml::cli {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

}  // namespace

absl::StatusOr<SinkTail> SinkTail::Make(const Job& job, const std::string& sink, Disk& disk) {
  SinkTail tail(disk);
  std::set<std::string> names;
  for (const plan::LanePlan& lane : job.plan.lanes) {
    for (const lane::SinkOutput& output : job.plan.stages[lane.stage].spec->sinks) {
      names.insert(output.name);
      if (output.name != sink) continue;
      if (!output.topic.empty()) {
        return absl::InvalidArgumentError(absl::StrCat("--stdout ", sink,
                                                       ": its rows go to topic '", output.topic,
                                                       "' and not to files; read them there"));
      }
      Part part{lane::PartPath(job.data_dir, output, lane.part), 0};
      const auto file = disk.OpenForRead(part.path);
      if (file.ok()) {
        ASSIGN_OR_RETURN(part.position, (*file)->Size());
      }
      tail.parts_.push_back(std::move(part));
    }
  }
  if (!tail.parts_.empty()) return tail;
  return absl::InvalidArgumentError(
      absl::StrCat("--stdout ", sink, ": no such sink; the job has ", absl::StrJoin(names, ", ")));
}

absl::Status SinkTail::Copy() {
  for (Part& part : parts_) {
    const auto file = disk_->OpenForRead(part.path);
    if (absl::IsNotFound(file.status())) continue;
    if (!file.ok()) return file.status();
    std::string piece;
    while (true) {
      RETURN_IF_ERROR((*file)->ReadAt(part.position, kPieceBytes, piece));
      const size_t end = piece.rfind('\n');
      if (end == std::string::npos) break;
      std::cout.write(piece.data(), static_cast<std::streamsize>(end + 1));
      part.position += end + 1;
    }
  }
  std::cout << std::flush;
  return absl::OkStatus();
}

}  // namespace streamml::cli
