#include "worker/plan/internal/job_hash.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"
#include "worker/learn/metrics.h"

namespace streamml::plan::internal {
namespace {

// Raised whenever stored formats or results of operators and learners change: data folders of other
// builds are then refused instead of misread.
constexpr uint64_t kFormatGeneration = 2;

// Without what decides no result.
job::v1::JobSpec Relevant(const job::v1::JobSpec& spec, const JobPlan& plan) {
  job::v1::JobSpec relevant = spec;
  relevant.clear_identity();
  relevant.clear_image();
  relevant.clear_clusters();
  relevant.clear_snapshots();
  relevant.clear_replay();
  relevant.clear_restore_from();
  relevant.clear_savepoints();
  if (relevant.has_workers()) {
    relevant.mutable_workers()->clear_resources();
    relevant.mutable_workers()->clear_pod_template();
  }
  for (job::v1::Source& source : *relevant.mutable_sources()) {
    source.clear_file();
    source.clear_topic();
    source.clear_cluster();
  }
  if (plan.log_cluster.empty()) {  // all sinks are files
    for (job::v1::Sink& sink : *relevant.mutable_sinks()) sink.clear_max_record_bytes();
  }
  // What is not named is as if the default were.
  for (job::v1::Model& model : *relevant.mutable_models()) {
    if (!model.metrics().empty()) continue;
    for (std::string& name : learn::DefaultMetrics()) model.add_metrics(std::move(name));
  }
  return relevant;
}

std::string BytesOf(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

template <typename List>
void AddParts(std::string_view list, const List& entries, std::vector<lane::JobPart>& parts) {
  for (const auto& entry : entries) {
    parts.push_back({absl::StrCat(list, "[", entry.name(), "]"),
                     absl::StrCat("#", absl::Hex(Hash64(BytesOf(entry)), absl::kZeroPad16))});
  }
}

}  // namespace

uint64_t JobHash(const job::v1::JobSpec& spec, const JobPlan& plan) {
  std::string bytes = BytesOf(Relevant(spec, plan));
  ByteWriter writer(bytes);
  writer.U64(kFormatGeneration);
  // The number of files or partitions decides how many lanes read them, and so the index of every
  // lane.
  for (const SourcePlan& source : plan.sources) writer.U64(source.num_partitions());
  for (const StagePlan& stage : plan.stages) writer.U64(stage.num_lanes);
  return Hash64(bytes);
}

std::vector<lane::JobPart> JobParts(const job::v1::JobSpec& spec, const JobPlan& plan) {
  const job::v1::JobSpec relevant = Relevant(spec, plan);
  std::vector<lane::JobPart> parts;
  AddParts("sources", relevant.sources(), parts);
  AddParts("views", relevant.views(), parts);
  AddParts("models", relevant.models(), parts);
  AddParts("sinks", relevant.sinks(), parts);
  parts.push_back({"log.partitions", absl::StrCat(relevant.log().partitions())});
  for (const SourcePlan& source : plan.sources) {
    parts.push_back(
        {absl::StrCat(source.is_topic() ? "partitions" : "files", " of source ", source.name),
         absl::StrCat(source.num_partitions())});
  }
  for (const StagePlan& stage : plan.stages) {
    parts.push_back(
        {absl::StrCat("lanes of stage ", stage.spec->name), absl::StrCat(stage.num_lanes)});
  }
  parts.push_back({"formats of this build", absl::StrCat(kFormatGeneration)});
  return parts;
}

}  // namespace streamml::plan::internal
