#include "worker/plan/plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/hash.h"
#include "base/status.h"
#include "job/manifest/values.h"
#include "worker/connectors/file_list.h"
#include "worker/lane/file_input.h"
#include "worker/lane/topic_input.h"
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
                                 const manifest::Bindings& files, const FileAccess& access,
                                 const TopicAccess& topics, uint32_t incarnation) {
  internal::Planner planner(manifest, &files, access, topics);
  ASSIGN_OR_RETURN(JobPlan plan, planner.Run(incarnation));
  plan.access = access;
  plan.topics = topics;
  return plan;
}

absl::StatusOr<JobPlan> CheckPlan(const manifest::Manifest& manifest) {
  return internal::Planner(manifest, nullptr, FileAccess{}, nullptr).Run(/*incarnation=*/1);
}

namespace {

lane::SourceRules RulesOf(const SourcePlan& source) {
  lane::SourceRules rules;
  rules.source_name = source.name;
  rules.description.format = source.format;
  rules.description.columns = source.columns;
  rules.description.schema = source.schema;
  rules.description.source = source.index;
  rules.description.lines = source.lines;
  rules.delay_us = source.delay_us;
  rules.on_error = source.on_error;
  rules.idle_us = source.idle_us;
  return rules;
}

lane::InputFactory TopicFactory(const SourcePlan& source, uint32_t partition,
                                const TopicAccess& access) {
  lane::TopicInputSpec spec{RulesOf(source), source.topic, partition};
  if (!source.partition_columns.empty()) {
    spec.partitioning = {source.partition_columns, source.partitioner, source.num_partitions()};
  }
  return
      [spec, access, cluster = source.cluster]() -> absl::StatusOr<std::unique_ptr<lane::Input>> {
        ASSIGN_OR_RETURN(log::Topics * topics, access(cluster));
        return lane::MakeTopicInput(spec, *topics);
      };
}

// The bytes of another, until a stop is asked for.
class StoppableSource final : public connectors::ByteSource {
 public:
  StoppableSource(connectors::ByteSource& source, const lane::StopFunction& stop)
      : source_(source), stop_(stop) {}
  const std::string& path() const override { return source_.path(); }
  uint64_t size() const override { return source_.size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t position, char* out, size_t capacity) override {
    RETURN_IF_ERROR(lane::CheckStop(stop_));
    return source_.ReadAt(position, out, capacity);
  }

 private:
  connectors::ByteSource& source_;
  const lane::StopFunction& stop_;
};

lane::InputFactory ChannelFactory(const lane::StageSpec& stage, const InputPlan& input,
                                  log::Log& log) {
  lane::SideInput side;
  side.schema = stage.input_schema;
  if (input.side >= 0) side = stage.sides[static_cast<size_t>(input.side)];
  return [&log, channel = input.channel, schema = side.schema,
          lag_us = side.lag_us]() -> absl::StatusOr<std::unique_ptr<lane::Input>> {
    return lane::MakeChannelInput(log, channel, schema, lag_us);
  };
}

lane::InputFactory FileFactory(const SourcePlan& source, uint32_t partition,
                               const FileAccess& access, uint64_t size_bytes) {
  lane::FileInputSpec spec;
  spec.rules = RulesOf(source);
  spec.partition = partition;
  spec.path = source.files[partition];
  spec.block_records = access.block_records;
  spec.open = [open = access.open, path = spec.path, size_bytes] { return open(path, size_bytes); };
  return [spec]() -> absl::StatusOr<std::unique_ptr<lane::Input>> {
    return lane::MakeFileInput(spec);
  };
}

}  // namespace

namespace {

// A channel of a lane, and who else reads its partition.
lane::ChannelRead ChannelOf(const JobPlan& plan, uint32_t index, uint32_t input) {
  lane::ChannelRead channel;
  channel.input = input;
  channel.id = plan.lanes[index].inputs[input].channel;
  for (uint32_t lane = 0; lane < plan.lanes.size(); ++lane) {
    const std::vector<InputPlan>& inputs = plan.lanes[lane].inputs;
    for (uint32_t i = 0; lane != index && i < inputs.size(); ++i) {
      if (inputs[i].source >= 0 || inputs[i].channel.topic != channel.id.topic ||
          inputs[i].channel.partition != channel.id.partition) {
        continue;
      }
      channel.others.push_back({lane, i});
    }
  }
  return channel;
}

}  // namespace

std::map<uint32_t, std::set<uint32_t>> ReadersOfLanes(const JobPlan& plan) {
  std::map<uint32_t, std::set<uint32_t>> readers;
  for (uint32_t lane = 0; lane < plan.lanes.size(); ++lane) {
    readers[lane];  // nobody reads the last of them
    for (const InputPlan& input : plan.lanes[lane].inputs) {
      if (input.source < 0) readers[input.channel.producer].insert(lane);
    }
  }
  return readers;
}

absl::StatusOr<lane::LaneSpec> MakeLaneSpec(const JobPlan& plan, uint32_t index, log::Log& log,
                                            const lane::StopFunction& stop) {
  const LanePlan& lane_plan = plan.lanes[index];
  const StagePlan& stage = plan.stages[lane_plan.stage];
  lane::LaneSpec spec;
  spec.index = index;
  spec.name = lane_plan.name;
  spec.part = lane_plan.part;
  spec.stage = stage.spec;
  spec.parts = plan.job_parts;
  for (const InputPlan& input : lane_plan.inputs) {
    if (input.source < 0) {
      spec.channels.push_back(ChannelOf(plan, index, static_cast<uint32_t>(spec.inputs.size())));
      spec.inputs.push_back(ChannelFactory(*stage.spec, input, log));
      continue;
    }
    const SourcePlan& source = plan.sources[static_cast<size_t>(input.source)];
    if (source.is_topic()) {
      spec.topics.push_back({static_cast<uint32_t>(spec.inputs.size()), source.topic,
                             source.description.cluster, source.description.id, input.partition});
      spec.inputs.push_back(TopicFactory(source, input.partition, plan.topics));
      continue;
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<connectors::ByteSource> file,
                     plan.access.open(source.files[input.partition], std::nullopt));
    StoppableSource stoppable(*file, stop);
    ASSIGN_OR_RETURN(const connectors::FileIdentity identity, connectors::Identify(stoppable));
    spec.files.push_back({static_cast<uint32_t>(spec.inputs.size()), identity.path, identity.size,
                          identity.content});
    spec.inputs.push_back(FileFactory(source, input.partition, plan.access, identity.size));
  }
  return spec;
}

bool TrainsApart(const JobPlan& plan) {
  return std::any_of(plan.stages.begin(), plan.stages.end(),
                     [](const StagePlan& stage) { return !stage.side_topics.empty(); });
}

bool AnswersOnArrival(const JobPlan& plan) {
  return std::any_of(plan.stages.begin(), plan.stages.end(),
                     [](const StagePlan& stage) { return stage.spec->on_arrival; });
}

std::vector<std::string> ModelsThatRaceFiles(const JobPlan& plan) {
  std::vector<std::string> models;
  if (std::any_of(plan.sources.begin(), plan.sources.end(),
                  [](const SourcePlan& source) { return source.is_topic(); })) {
    return models;
  }
  for (const StagePlan& stage : plan.stages) {
    for (const lane::SideInput& side : stage.spec->sides) {
      if (!side.in_order) models.push_back(stage.spec->nodes[static_cast<size_t>(side.node)].owner);
    }
  }
  return models;
}

std::map<std::string, size_t> SinkTopics(const JobPlan& plan) {
  std::map<std::string, size_t> topics;
  for (const StagePlan& stage : plan.stages) {
    for (const lane::SinkOutput& sink : stage.spec->sinks) {
      if (sink.topic.empty() || sink.node == lane::SinkOutput::kNoRows) continue;
      size_t& most = topics[sink.topic];
      most = std::max(most, sink.max_record_bytes);
    }
  }
  return topics;
}

namespace {

// What bounds a state, by the name of the state in its owner; digits at the end of an operator's
// name do not count.
struct StateBound {
  std::string_view name;
  std::string_view bound;
};
constexpr StateBound kStateBounds[] = {
    {"window.rows",
     "times and arguments of the rows within the frame, per key; a key leaves with its last row"},
    {"arrivalWindow.rows",
     "times and arguments of the rows within the frame and of what the watermark is behind, per "
     "key; "
     "a key leaves with its last row"},
    {"features.scaler", "count, mean and variance of each numeric column"},
    {"features.not_finite", "one number"},
    {"features.dictionary", "the names of the categorical values, at most {}"},
    {"features.overflowed", "one number"},
    {"features.collisions", "one number per categorical index, at most {}"},
    {"ftrl", "two numbers per feature seen: numeric columns + at most {} + 1"},
    {"sgd", "one number per feature seen: numeric columns + at most {} + 1"},
    {"metrics.counts", "a few numbers"},
    {"metrics.logloss", "a few numbers"},
    {"metrics.auc", "a fixed number of bins"},
    {"model.examples", "one number"},
    {"model.training", "a few numbers"},
    {"model.version", "one number"},
    {"model.moving", "what changed since the last version; at most the model"},
};

std::string WithCommas(uint64_t number) {
  std::string text = absl::StrCat(number);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

// `line` is "state <owner>/<name>#<schema hash>".
std::string BoundOf(const StagePlan& stage, std::string_view line) {
  const size_t begin = line.find_first_not_of(' ') + std::string_view("state ").size();
  const size_t start = line.find('/') + 1;
  const std::string owner(line.substr(begin, start - 1 - begin));
  const std::string_view stored = line.substr(start, line.find('#') - start);
  std::string name;  // without the number of an operator: "window0.rows" is "window.rows"
  for (size_t i = 0; i < stored.size(); ++i) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(stored[i])) == 0) name.push_back(stored[i]);
  }
  const auto categories = stage.categories.find(owner);
  const std::string most =
      categories == stage.categories.end() ? "" : WithCommas(categories->second);
  for (const StateBound& entry : kStateBounds) {
    if (entry.name == name) return absl::StrReplaceAll(std::string(entry.bound), {{"{}", most}});
  }
  return "its bound is not known here";
}

// "card (murmur2, checked)".
std::string PartitioningText(const SourcePlan& source) {
  const auto name = [&source](std::string* out, size_t column) {
    out->append(source.schema->field(column).name);
  };
  return absl::StrCat(absl::StrJoin(source.partition_columns, ", ", name), " (",
                      connectors::PartitionerName(source.partitioner), ", checked)");
}

void ExplainInput(const JobPlan& plan, const StagePlan& stage, std::string& text) {
  if (stage.source < 0) {
    absl::StrAppend(&text, "    reads topic ", stage.topic, ": ",
                    internal::Partitions(stage.num_partitions), ", key ",
                    stage.key.empty() ? "none" : absl::StrJoin(stage.key, ", "), "\n");
    return;
  }
  const SourcePlan& source = plan.sources[static_cast<size_t>(stage.source)];
  absl::StrAppend(&text, "    reads source ", source.name, ": ");
  if (source.is_topic()) {
    absl::StrAppend(&text, "topic ", source.topic, " of cluster ", source.cluster, ", ",
                    internal::Partitions(source.num_partitions()));
    if (!source.partition_columns.empty()) {
      absl::StrAppend(&text, " by ", PartitioningText(source));
    }
  } else {
    absl::StrAppend(&text, source.files.size(), source.files.size() == 1 ? " file" : " files");
  }
  const int time = source.schema->time_column();
  if (time >= 0) {
    absl::StrAppend(&text, ", event time ", source.schema->field(static_cast<size_t>(time)).name,
                    ", watermark ", manifest::FormatDuration(source.delay_us),
                    " behind the newest row of each ", source.is_topic() ? "partition" : "file");
  } else {
    absl::StrAppend(&text, ", without event time: in the order of the ",
                    source.is_topic() ? "partitions" : "files");
  }
  text += "\n";
}

// Which lane reads which file. Channels are spread over lanes evenly and are not listed.
void ExplainLanes(const JobPlan& plan, const StagePlan& stage, std::string& text) {
  if (stage.source < 0) return;
  for (uint32_t part = 0; part < stage.num_lanes; ++part) {
    const LanePlan& lane = plan.lanes[stage.first_lane + part];
    for (const InputPlan& input : lane.inputs) {
      const SourcePlan& source = plan.sources[static_cast<size_t>(stage.source)];
      absl::StrAppend(&text, "        lane ", lane.name, ": ",
                      source.is_topic() ? absl::StrCat("partition ", input.partition)
                                        : source.files[input.partition],
                      "\n");
    }
  }
}

// An operator, and its states with their bounds.
void ExplainOperator(const StagePlan& stage, std::string_view lines, std::string& text) {
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    const bool is_state = line.starts_with("        state ");
    absl::StrAppend(&text, is_state ? "" : "    ", line);
    if (is_state) absl::StrAppend(&text, ": ", BoundOf(stage, line));
    text += "\n";
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

// Where rows go that are no results.
void ExplainRejects(const StagePlan& stage, std::string& text) {
  const lane::StageSpec& spec = *stage.spec;
  for (size_t i = 0; i < spec.sinks.size(); ++i) {
    const lane::SinkOutput& sink = spec.sinks[i];
    if (sink.node != lane::SinkOutput::kNoRows) continue;
    const bool is_late = static_cast<int>(i) == spec.late_sink;
    if (is_late && spec.input_schema->time_column() == data::Schema::kNoTime) continue;
    absl::StrAppend(&text, "    ", is_late ? "late rows" : "rows that fail", " go to ");
    if (sink.topic.empty()) {
      absl::StrAppend(&text, "DATA_DIR/", sink.name, "/", sink.part_prefix, "-*.jsonl\n");
    } else {
      absl::StrAppend(&text, "topic ", sink.topic, "\n");
    }
  }
}

// Topics that the job makes for itself, and what keeps lanes on one machine although there are
// topics.
void ExplainTopics(const JobPlan& plan, std::string& text) {
  if (plan.log_cluster.empty()) return;
  absl::StrAppend(&text, "topics of the job's own, on cluster ", plan.log_cluster, ":\n");
  const auto line = [&](std::string_view name, size_t partitions, std::string_view kept) {
    absl::StrAppend(&text, "    ", log::OwnTopicName(plan.owner, name), ": ", partitions,
                    " partition(s), ", kept, "\n");
  };
  const std::string kept =
      plan.keep_us == 0 ? "kept whole"
                        : absl::StrCat("kept so that ", manifest::FormatDuration(plan.keep_us),
                                       " can be replayed");
  line("journal", plan.lanes.size(), kept);
  for (const StagePlan& stage : plan.stages) {
    for (const lane::TopicOutput& topic : stage.spec->topics) {
      line(topic.topic, topic.num_partitions, kept);
    }
  }
  for (const std::string& name : plan.reject_topics) line(name, 1, "kept as the cluster does");
  for (const StagePlan& stage : plan.stages) {
    for (const std::string& reason : stage.local) {
      absl::StrAppend(&text, "stage ", stage.spec->name, " cannot leave its machine: ", reason,
                      "\n");
    }
  }
}

void ExplainSnapshots(const JobPlan& plan, std::string& text) {
  if (plan.snapshot_store.empty()) return;
  absl::StrAppend(&text, "snapshots of each lane, every ",
                  manifest::FormatDuration(plan.snapshot_interval_us),
                  " on the machine that runs it, are copied every ",
                  manifest::FormatDuration(plan.upload_interval_us), " to ", plan.snapshot_store,
                  "\n    under ", plan.owner.identity, "/", plan.owner.incarnation,
                  "/lanes/<lane>/; a lane that has lost its disk goes on from there\n");
}

}  // namespace

std::string Explain(const JobPlan& plan) {
  std::string text;
  for (const StagePlan& stage : plan.stages) {
    absl::StrAppend(&text, "stage ", stage.spec->name, ": ", stage.num_lanes,
                    stage.num_lanes == 1 ? " lane" : " lanes", ", ",
                    stage.spec->event_order  ? "in event order up to the watermark"
                    : stage.spec->on_arrival ? "rows are answered as they come"
                                             : "rows pass on as they come",
                    "\n");
    ExplainInput(plan, stage, text);
    ExplainLanes(plan, stage, text);
    for (const std::string& line : stage.operators) ExplainOperator(stage, line, text);
    ExplainRejects(stage, text);
  }
  ExplainTopics(plan, text);
  if (plan.log_cluster.empty() && plan.keep_us > 0) {
    absl::StrAppend(&text, "the log is kept so that ", manifest::FormatDuration(plan.keep_us),
                    " can be replayed\n");
  }
  ExplainSnapshots(plan, text);
  return text;
}

}  // namespace streamml::plan
