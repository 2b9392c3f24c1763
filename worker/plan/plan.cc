#include "worker/plan/plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/hash.h"
#include "base/status.h"
#include "job/manifest/diagnostic.h"
#include "job/manifest/values.h"
#include "worker/connectors/file_list.h"
#include "worker/lane/file_input.h"
#include "worker/plan/internal/planner.h"

namespace streamml::plan {

FileAccess RealFiles() {
  FileAccess access;
  access.list = connectors::ListFiles;
  access.open = [](const std::string& path, std::optional<uint64_t> size) {
    return size.has_value() ? connectors::OpenFile(path, *size) : connectors::OpenFile(path);
  };
  return access;
}

absl::StatusOr<JobPlan> MakePlan(const manifest::Manifest& manifest,
                                 const manifest::Bindings& files, const FileAccess& access) {
  ASSIGN_OR_RETURN(JobPlan plan, internal::Planner(manifest, &files, access).Run());
  plan.access = access;
  return plan;
}

absl::StatusOr<JobPlan> CheckPlan(const manifest::Manifest& manifest) {
  return internal::Planner(manifest, nullptr, FileAccess{}).Run();
}

namespace {

lane::InputFactory FileFactory(const SourcePlan& source, uint32_t partition,
                               const FileAccess& access, uint64_t size_bytes) {
  lane::FileInputSpec spec;
  spec.source_name = source.name;
  spec.description.format = source.format;
  spec.description.columns = source.columns;
  spec.description.schema = source.schema;
  spec.description.source = source.index;
  spec.partition = partition;
  spec.path = source.files[partition];
  spec.delay_us = source.delay_us;
  spec.on_error = source.on_error;
  spec.block_records = access.block_records;
  spec.open = [open = access.open, path = spec.path, size_bytes] { return open(path, size_bytes); };
  return [spec]() -> absl::StatusOr<std::unique_ptr<lane::Input>> {
    return lane::MakeFileInput(spec);
  };
}

}  // namespace

absl::StatusOr<lane::LaneSpec> MakeLaneSpec(const JobPlan& plan, uint32_t index, log::Log& log) {
  const LanePlan& lane_plan = plan.lanes[index];
  const StagePlan& stage = plan.stages[lane_plan.stage];
  lane::LaneSpec spec;
  spec.index = index;
  spec.name = lane_plan.name;
  spec.part = lane_plan.part;
  spec.stage = stage.spec;
  for (const InputPlan& input : lane_plan.inputs) {
    if (input.source < 0) {
      spec.inputs.push_back(
          [&log, channel = input.channel,
           schema = stage.spec->input_schema]() -> absl::StatusOr<std::unique_ptr<lane::Input>> {
            return lane::MakeChannelInput(log, channel, schema);
          });
      continue;
    }
    const SourcePlan& source = plan.sources[static_cast<size_t>(input.source)];
    ASSIGN_OR_RETURN(const std::unique_ptr<connectors::ByteSource> file,
                     plan.access.open(source.files[input.partition], std::nullopt));
    ASSIGN_OR_RETURN(const connectors::FileIdentity identity, connectors::Identify(*file));
    spec.files.push_back({static_cast<uint32_t>(spec.inputs.size()), identity.path, identity.size,
                          identity.content});
    spec.inputs.push_back(FileFactory(source, input.partition, plan.access, identity.size));
  }
  return spec;
}

std::string Explain(const JobPlan& plan) {
  std::string text;
  for (const StagePlan& stage : plan.stages) {
    absl::StrAppend(&text, "stage ", stage.spec->name, ": ", stage.num_lanes,
                    stage.num_lanes == 1 ? " lane" : " lanes", ", ",
                    stage.spec->event_order ? "in event order up to the watermark"
                                            : "rows pass on as they come",
                    "\n");
    if (stage.source >= 0) {
      const SourcePlan& source = plan.sources[static_cast<size_t>(stage.source)];
      absl::StrAppend(&text, "    reads source ", source.name, ": ", source.files.size(),
                      " file(s)");
      const int time = source.schema->time_column();
      if (time >= 0) {
        absl::StrAppend(&text, ", event time ",
                        source.schema->field(static_cast<size_t>(time)).name, ", watermark delay ",
                        manifest::FormatDuration(source.delay_us));
      }
    } else {
      absl::StrAppend(&text, "    reads topic ", stage.topic, ": ", stage.num_partitions,
                      " partition(s), key ",
                      stage.key.empty() ? "none" : absl::StrJoin(stage.key, ", "));
    }
    text += "\n";
    for (const std::string& line : stage.operators) absl::StrAppend(&text, "    ", line, "\n");
  }
  return text;
}

}  // namespace streamml::plan
