// Manifest -> stages and lanes. The only place that sees all tables.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "job/manifest/bind.h"
#include "job/manifest/manifest.h"
#include "worker/connectors/byte_stream.h"
#include "worker/connectors/format.h"
#include "worker/connectors/partitioner.h"
#include "worker/lane/file_input.h"
#include "worker/lane/lane.h"
#include "worker/lane/program.h"
#include "worker/log/log.h"
#include "worker/log/topic_name.h"
#include "worker/log/topics.h"

namespace streamml::plan {

// How files are found and read: a seam, so that a job can run on files in memory.
struct FileAccess {
  // Sorted paths of a path or pattern; an error when there is none.
  std::function<absl::StatusOr<std::vector<std::string>>(const std::string& pattern)> list;
  // With `size`, bytes beyond it are not read and fewer are DATA_LOSS.
  std::function<absl::StatusOr<std::unique_ptr<connectors::ByteSource>>(
      const std::string& path, std::optional<uint64_t> size)>
      open;
  uint64_t block_records = lane::kFileBlockRecords;
};
FileAccess RealFiles();

// The topics of a cluster of the manifest, by its name; connects when first asked. Must outlive the
// lanes.
using TopicAccess = std::function<absl::StatusOr<log::Topics*>(const std::string& cluster)>;

// A source as it will be read.
struct SourcePlan {
  std::string name;
  uint32_t index = 0;  // in the manifest
  connectors::FileFormat format = connectors::FileFormat::kJson;
  std::vector<connectors::SourceColumn> columns;
  bool lines = false;  // a record of its topic holds one event per line
  std::shared_ptr<const data::Schema> schema;
  int64_t delay_us = 0;
  int64_t idle_us = 0;  // 0: never
  lane::OnError on_error = lane::OnError::kDeadLetter;
  std::vector<std::string> files;  // sorted; the rank is the partition in origins
  std::string topic;               // in place of files
  std::string cluster;             // of the topic
  log::TopicDescription description;
  // Of a topic: what is promised of its partitions.
  std::vector<size_t> partition_columns;
  connectors::Partitioner partitioner = connectors::Partitioner::kMurmur2;

  bool is_topic() const { return !topic.empty(); }
  uint32_t num_partitions() const {
    return is_topic() ? description.num_partitions : static_cast<uint32_t>(files.size());
  }
};

// One input of a lane: a file or partition of a source, or a channel.
struct InputPlan {
  int source = -1;         // index in JobPlan::sources, or -1 for a channel
  uint32_t partition = 0;  // rank of the file, or number of the topic's partition
  log::ChannelId channel;
  int side = -1;  // index in StageSpec::sides of a channel that is a side input
};

struct StagePlan {
  std::shared_ptr<lane::StageSpec> spec;
  uint32_t num_lanes = 1;
  uint32_t first_lane = 0;               // index of its lane 0 among all lanes
  int source = -1;                       // index in JobPlan::sources of stages that read files
  std::string topic;                     // of stages that read an internal topic
  uint32_t num_partitions = 0;           // of that topic
  std::string trains;                    // the model that it trains apart; empty: none
  std::vector<std::string> side_topics;  // in the order of StageSpec::sides
  std::vector<std::string> key;          // names of its key columns, for people
  std::vector<std::string> operators;    // a line for each node, for people
  std::vector<std::string> local;  // why its lanes cannot leave their machine; empty: they can
  // By model: most categorical features that it tells apart.
  std::map<std::string, uint64_t> categories;
};

struct LanePlan {
  std::string name;    // "features[1]"
  uint32_t stage = 0;  // index in JobPlan::stages
  uint32_t part = 0;   // lane in its stage
  std::vector<InputPlan> inputs;
};

struct JobPlan {
  std::vector<SourcePlan> sources;
  std::vector<StagePlan> stages;  // producers before consumers, but for side inputs
  std::vector<LanePlan> lanes;    // by index
  // Of all in the manifest that decides results, and of this build's formats; not of where files
  // lie.
  uint64_t job_hash = 0;
  std::vector<lane::JobPart> job_parts;  // what of the manifest and the sources is in the hash
  int64_t snapshot_interval_us = 0;
  std::string snapshot_store;  // as worker/state/store reads it; empty: there is none
  int64_t upload_interval_us = 0;
  int64_t keep_us = 0;  // so long what was computed can be replayed; 0: always
  // Cluster of the log: set when a source is read from a topic. Otherwise the log is in files, and
  // sinks write files also where the manifest gives them a topic.
  std::string log_cluster;
  log::TopicOwner owner;  // whose topics those on the log's cluster are
  // On Kafka: names, without their owner, of the job's topics for rows that are no results. The
  // lanes write them in their transactions.
  std::vector<std::string> reject_topics;
  FileAccess access;
  TopicAccess topics;
};

// Plans the job. `files` are the resolved files of each source (patterns are expanded here). All
// mistakes that need SQL, schemas or the tables of operators, learners and metrics are found here:
// INVALID_ARGUMENT with one line for each, "job.yaml:31:14: spec.views[features].sql: message".
// A source that is not in `files` is read from its topic; `topics` may be empty when there is none.
// `incarnation` is in the names of the job's own topics.
absl::StatusOr<JobPlan> MakePlan(const manifest::Manifest& manifest,
                                 const manifest::Bindings& files, const FileAccess& access,
                                 const TopicAccess& topics = nullptr, uint32_t incarnation = 1);

// The same without files: everything is checked but what only the files can tell. For `validate`.
absl::StatusOr<JobPlan> CheckPlan(const manifest::Manifest& manifest);

// Lane `index` ready to open: its inputs read from `log` and from files. Hashes the lane's input
// files, which takes a while for large ones: CANCELLED soon after `stop`, which may be empty, says
// so. `plan` and `log` must outlive what is made.
absl::StatusOr<lane::LaneSpec> MakeLaneSpec(const JobPlan& plan, uint32_t index, log::Log& log,
                                            const lane::StopFunction& stop = {});

// By lane, the lanes that read its rows.
std::map<uint32_t, std::set<uint32_t>> ReadersOfLanes(const JobPlan& plan);

// Some model is trained in another lane than those that score.
bool TrainsApart(const JobPlan& plan);

// Some stage answers rows as they come.
bool AnswersOnArrival(const JobPlan& plan);

// Models that are trained apart and adopted as soon as possible, in a job whose sources all end.
std::vector<std::string> ModelsThatRaceFiles(const JobPlan& plan);

// The topics that sinks of the job write to, each with the most bytes that a record of it can have.
std::map<std::string, size_t> SinkTopics(const JobPlan& plan);

// Stages, lanes, keys and state, for people.
std::string Explain(const JobPlan& plan);

}  // namespace streamml::plan
