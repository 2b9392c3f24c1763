#include "worker/cli/dead_warnings.h"

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "worker/cli/text.h"

namespace streamml::cli {
namespace {

constexpr uint64_t kMaxLineBytes = 1 << 20;

// ": not JSON (a.jsonl, record 3)" of the first dead letter in the file, or "".
std::string FirstReason(std::string_view letters) {
  const auto letter = nlohmann::json::parse(letters.substr(0, letters.find('\n')), nullptr,
                                            /*allow_exceptions=*/false);
  if (!letter.is_object()) return "";
  const auto reason = letter.find("reason");
  const auto partition = letter.find("partition");
  const auto record = letter.find("record");
  const auto byte = letter.find("bytePosition");
  if (reason == letter.end() || !reason->is_string()) return "";
  std::string text = absl::StrCat(": ", reason->get<std::string>());
  if (partition == letter.end() || record == letter.end()) return text;
  const std::string place =
      partition->is_string() ? partition->get<std::string>() : partition->dump();
  return absl::StrCat(text, " (", place, ", record ", record->dump(),
                      byte == letter.end() ? "" : absl::StrCat(" at byte ", byte->dump()), ")");
}

// Of the first part file that has one.
absl::StatusOr<std::string> FindReason(const Job& job, const plan::StagePlan& stage, Disk& disk) {
  const lane::StageSpec& spec = *stage.spec;
  for (size_t i = 0; i < spec.sinks.size(); ++i) {
    const lane::SinkOutput& sink = spec.sinks[i];
    if (sink.node != lane::SinkOutput::kNoRows || static_cast<int>(i) == spec.late_sink) continue;
    for (uint32_t part = 0; part < stage.num_lanes; ++part) {
      const auto file = disk.OpenForRead(lane::PartPath(job.data_dir, sink, part));
      if (absl::IsNotFound(file.status())) continue;
      if (!file.ok()) return file.status();
      std::string letters;
      RETURN_IF_ERROR((*file)->ReadAt(0, kMaxLineBytes, letters));
      std::string reason = FirstReason(letters);
      if (!reason.empty()) return reason;
    }
  }
  return "";
}

}  // namespace

absl::StatusOr<std::vector<std::string>> DeadWarnings(const Job& job,
                                                      const std::vector<StageCounts>& counts,
                                                      Disk& disk) {
  std::vector<std::string> warnings;
  for (size_t s = 0; s < counts.size(); ++s) {
    const plan::StagePlan& stage = job.plan.stages[s];
    if (stage.source < 0 || counts[s].dead <= counts[s].read / 10) continue;
    ASSIGN_OR_RETURN(const std::string reason, FindReason(job, stage, disk));
    const std::string& name = job.plan.sources[static_cast<size_t>(stage.source)].name;
    warnings.push_back(absl::StrCat(
        WithCommas(counts[s].dead), " of ", WithCommas(counts[s].read), " records of source '",
        name, "' are dead; ",
        reason.empty() ? "`onError: {policy: deadLetter}` would keep them with their reasons"
                       : absl::StrCat("the first", reason)));
  }
  return warnings;
}

}  // namespace streamml::cli
