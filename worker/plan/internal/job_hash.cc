#include "worker/plan/internal/job_hash.h"

#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "worker/learn/metrics.h"

namespace streamml::plan::internal {
namespace {

// Raised whenever stored formats or results of operators and learners change: data folders of other
// builds are then refused instead of misread.
constexpr uint64_t kFormatGeneration = 2;

}  // namespace

uint64_t JobHash(const job::v1::JobSpec& spec, const JobPlan& plan) {
  job::v1::JobSpec relevant = spec;
  relevant.clear_identity();
  relevant.clear_image();
  relevant.clear_clusters();
  relevant.clear_snapshots();
  relevant.clear_replay();
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
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    relevant.SerializeToCodedStream(&coded);
  }
  ByteWriter writer(bytes);
  writer.U64(kFormatGeneration);
  // The number of files or partitions decides how many lanes read them, and so the index of every
  // lane.
  for (const SourcePlan& source : plan.sources) writer.U64(source.num_partitions());
  for (const StagePlan& stage : plan.stages) writer.U64(stage.num_lanes);
  return Hash64(bytes);
}

}  // namespace streamml::plan::internal
