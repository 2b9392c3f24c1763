#include "worker/plan/internal/stages.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "worker/operators/operator.h"

namespace streamml::plan::internal {
namespace {

// Columns of the projection's output that pass on `columns` of its input untouched; nullopt if one
// is lost.
std::optional<std::vector<size_t>> MapColumns(const sql::Node& project,
                                              const std::vector<size_t>& columns) {
  std::vector<size_t> mapped;
  for (const size_t column : columns) {
    const auto passes = [column](const sql::Expression& e) {
      return e.kind == sql::Expression::Kind::kColumn && e.column == column;
    };
    const auto found = std::find_if(project.expressions.begin(), project.expressions.end(), passes);
    if (found == project.expressions.end()) return std::nullopt;
    mapped.push_back(static_cast<size_t>(found - project.expressions.begin()));
  }
  return mapped;
}

std::string ColumnNames(const data::Schema& schema, const std::vector<size_t>& columns) {
  return absl::StrJoin(columns, ", ", [&schema](std::string* out, size_t column) {
    out->append(schema.field(column).name);
  });
}

}  // namespace

Place StageBuilder::AddSource(const SourcePlan& source) {
  StagePlan stage;
  stage.spec = std::make_shared<lane::StageSpec>();
  stage.spec->name = source.name;
  stage.spec->input_schema = source.schema;
  stage.source = static_cast<int>(source.index);
  // Without event time the order is that of the files, which one lane keeps.
  const bool timed = source.schema->time_column() != data::Schema::kNoTime;
  stage.num_lanes = timed ? std::clamp<uint32_t>(source.num_partitions(), 1, max_lanes_) : 1;
  stages_.push_back(std::move(stage));
  const size_t index = stages_.size() - 1;
  lane::StageSpec& spec = *stages_.back().spec;
  spec.dead_sink = DeadSink(index, source.name);
  lane::SinkOutput late;
  late.name = absl::StrCat(source.name, ".late");
  spec.late_sink = static_cast<int>(spec.sinks.size());
  spec.sinks.push_back(late);
  Place place{index, -1, source.schema, std::nullopt};
  if (!source.partition_columns.empty()) place.key = source.partition_columns;
  return place;
}

int StageBuilder::DeadSink(size_t stage, const std::string& owner) {
  std::vector<lane::SinkOutput>& sinks = stages_[stage].spec->sinks;
  const std::string name = absl::StrCat(owner, ".dead");
  for (size_t i = 0; i < sinks.size(); ++i) {
    if (sinks[i].name == name) return static_cast<int>(i);
  }
  lane::SinkOutput sink;
  sink.name = name;
  // A view's operators may stand in several stages, each with parts of its own.
  const std::string& name_of_stage = stages_[stage].spec->name;
  if (name_of_stage != owner) sink.part_prefix = absl::StrCat(name_of_stage, ".part");
  sinks.push_back(sink);
  return static_cast<int>(sinks.size() - 1);
}

absl::StatusOr<Place> StageBuilder::AppendOperator(const Place& from, lane::NodeSpec spec,
                                                   std::string line) {
  spec.input = from.node;
  spec.dead_sink = DeadSink(from.stage, spec.owner);
  // Made once here to find mistakes before the job runs, and to know the schema.
  state::StateSet states;
  ASSIGN_OR_RETURN(const std::unique_ptr<operators::Operator> made, spec.make(from.schema, states));
  StagePlan& stage = stages_[from.stage];
  for (const state::DeclaredState* declared : states.states()) {
    absl::StrAppend(&line, "\n        state ", declared->id().ToString());
  }
  stage.operators.push_back(std::move(line));
  stage.spec->nodes.push_back(std::move(spec));
  return Place{from.stage,
               static_cast<int>(stage.spec->nodes.size() - 1),
               made->output_schema(),
               {},
               from.on_arrival};
}

absl::StatusOr<Place> StageBuilder::AddQuery(const std::shared_ptr<const sql::Node>& query,
                                             const std::string& owner,
                                             const absl::btree_map<std::string, Place>& relations) {
  return AddNode(*query, query, owner, relations);
}

absl::StatusOr<Place> StageBuilder::AddNode(const sql::Node& node,
                                            const std::shared_ptr<const sql::Node>& query,
                                            const std::string& owner,
                                            const absl::btree_map<std::string, Place>& relations) {
  if (node.kind == sql::Node::Kind::kScan) {
    const auto found = relations.find(node.relation);
    if (found != relations.end()) return found->second;
    return absl::InternalError(absl::StrCat("relation '", node.relation, "' is not planned"));
  }
  ASSIGN_OR_RETURN(Place from, AddNode(*node.input, query, owner, relations));
  const bool on_arrival = node.kind == sql::Node::Kind::kArrivalWindow;
  if (on_arrival || node.kind == sql::Node::Kind::kWindow) {
    from.on_arrival = on_arrival;
    from = PlaceForWindow(node, from, owner);
  }
  const operators::OperatorEntry* entry = operators::FindOperator(node.kind);
  if (entry == nullptr) return absl::InternalError("a plan node has no operator");
  lane::NodeSpec spec;
  spec.owner = owner;
  // Counted within the owner, so that states and dead letters are named alike with any number of
  // lanes.
  spec.name = absl::StrCat(entry->name, operators_of_[owner]++);
  const std::shared_ptr<const sql::Node> shared(query, &node);
  spec.make = [shared, entry, owner, name = spec.name](
                  const std::shared_ptr<const data::Schema>& input, state::StateSet& states) {
    return entry->make(*shared, input, operators::OperatorContext{owner, name, &states});
  };
  const std::optional<std::vector<size_t>> key =
      !from.key.has_value() || node.kind != sql::Node::Kind::kProject ? from.key
                                                                      : MapColumns(node, *from.key);
  const std::string tree = sql::ToString(node);  // the node itself is the first line
  std::string line = absl::StrCat(owner, ": ", tree.substr(0, tree.find('\n')));
  ASSIGN_OR_RETURN(Place place, AppendOperator(from, std::move(spec), std::move(line)));
  place.key = key;
  place.on_arrival = from.on_arrival;
  return place;
}

// Behind a stage in event order rows have waited already; elsewhere they must not begin to.
Place StageBuilder::OnArrival(Place from) {
  from.on_arrival = true;
  Order(from);
  return from;
}

bool StageBuilder::CanOrder(const Place& from) const {
  const StagePlan& stage = stages_[from.stage];
  return from.on_arrival || stage.spec->event_order ||
         !(stage.spec->on_arrival || (any_arrival_ && stage.source >= 0));
}

void StageBuilder::Order(const Place& from) {
  StagePlan& stage = stages_[from.stage];
  if (!from.on_arrival) stage.spec->event_order = true;
  if (from.on_arrival && !stage.spec->event_order) stage.spec->on_arrival = true;
}

// The window's rows of one partition key must be in one lane, in the order that `from` says.
Place StageBuilder::PlaceForWindow(const sql::Node& node, const Place& from,
                                   const std::string& owner) {
  const StagePlan& stage = stages_[from.stage];
  const bool one_lane_suffices = max_lanes_ == 1 || node.partition_columns.empty();
  const bool keyed =
      from.key.has_value() && !from.key->empty() &&
      std::all_of(from.key->begin(), from.key->end(), [&node](size_t column) {
        return std::find(node.partition_columns.begin(), node.partition_columns.end(), column) !=
               node.partition_columns.end();
      });
  if (CanOrder(from) && (keyed || (stage.num_lanes == 1 && one_lane_suffices))) {
    Order(from);
    return from;
  }
  return Rekey(from, node.partition_columns, owner);
}

Place StageBuilder::Rekey(const Place& from, const std::vector<size_t>& columns,
                          const std::string& owner) {
  for (const Edge& edge : edges_) {
    if (edge.stage == from.stage && edge.node == from.node && edge.columns == columns &&
        edge.target.on_arrival == from.on_arrival) {
      return edge.target;
    }
  }
  const Place target = AddRekeyedStage(from, columns, owner);
  edges_.push_back({from.stage, from.node, columns, target});
  return target;
}

Place StageBuilder::AddRekeyedStage(const Place& from, const std::vector<size_t>& columns,
                                    const std::string& owner) {
  StagePlan stage;
  stage.spec = std::make_shared<lane::StageSpec>();
  stage.spec->name = FreeName(owner);
  stage.spec->input_schema = from.schema;
  stage.spec->event_order = !from.on_arrival;
  stage.spec->on_arrival = from.on_arrival;
  stage.num_partitions = columns.empty() ? 1 : num_partitions_;
  stage.num_lanes = std::min(max_lanes_, stage.num_partitions);
  stage.topic = absl::StrCat(stages_[from.stage].spec->name, "-to-", stage.spec->name);
  for (const size_t column : columns) stage.key.push_back(from.schema->field(column).name);
  lane::TopicOutput output;
  output.node = from.node;
  output.topic = stage.topic;
  output.num_partitions = stage.num_partitions;
  output.key_columns = columns;
  stages_[from.stage].spec->topics.push_back(output);
  stages_[from.stage].operators.push_back(absl::StrCat(
      "re-key by ", columns.empty() ? "nothing (one lane)" : ColumnNames(*from.schema, columns),
      " into topic ", stage.topic, ", ", stage.num_partitions, " partition(s)"));
  stages_.push_back(std::move(stage));
  return {stages_.size() - 1, -1, from.schema, columns, from.on_arrival};
}

void StageBuilder::AddSink(lane::SinkOutput sink, const Place& from) {
  StagePlan& stage = stages_[from.stage];
  sink.node = from.node;
  if (!sink.topic.empty()) sink.dead_sink = DeadSink(from.stage, sink.name);  // of large rows
  stage.operators.push_back(
      sink.topic.empty() ? absl::StrCat("sink ", sink.name, ": JSON lines in DATA_DIR/", sink.name,
                                        "/part-*.jsonl")
                         : absl::StrCat("sink ", sink.name, ": JSON in topic ", sink.topic,
                                        sink.num_partitions == 0
                                            ? ""
                                            : absl::StrCat(", ", Partitions(sink.num_partitions))));
  stage.spec->sinks.push_back(std::move(sink));
}

std::string StageBuilder::FreeName(const std::string& wanted) const {
  std::string name = wanted;
  for (int number = 2;; ++number) {
    const bool taken = std::any_of(stages_.begin(), stages_.end(), [&name](const StagePlan& stage) {
      return stage.spec->name == name;
    });
    if (!taken) return name;
    name = absl::StrCat(wanted, "-", number);
  }
}

// Rows that are no results go into the lanes' transactions where the log is on Kafka: a lane then
// leaves nothing behind on a machine. All lanes write into one partition. These rows are few, and
// each partition more is another marker in a transaction, while a person who looks for a row
// wants one place.
void StageBuilder::PlaceRejects(JobPlan& plan) {
  if (plan.log_cluster.empty()) return;
  for (const StagePlan& stage : stages_) {
    lane::StageSpec& spec = *stage.spec;
    for (size_t i = 0; i < spec.sinks.size(); ++i) {
      lane::SinkOutput& sink = spec.sinks[i];
      if (sink.node != lane::SinkOutput::kNoRows) continue;
      const bool untimed = spec.input_schema->time_column() == data::Schema::kNoTime;
      if (static_cast<int>(i) == spec.late_sink && untimed) continue;  // no row is ever late
      if (static_cast<int>(i) == spec.dead_sink &&
          plan.sources[static_cast<size_t>(stage.source)].on_error != lane::OnError::kDeadLetter) {
        continue;
      }
      sink.topic = log::OwnTopicName(plan.owner, sink.name);
      sink.num_partitions = 1;
      sink.max_record_bytes = lane::kMaxRejectBytes;
      std::vector<std::string>& names = plan.reject_topics;
      if (std::find(names.begin(), names.end(), sink.name) == names.end()) {
        names.push_back(sink.name);
      }
    }
  }
}

void StageBuilder::FindLocalUses(const JobPlan& plan) {
  for (StagePlan& stage : stages_) {
    if (stage.source >= 0) {
      const SourcePlan& source = plan.sources[static_cast<size_t>(stage.source)];
      if (!source.is_topic()) {
        stage.local.push_back(absl::StrCat("source '", source.name, "' is read from files"));
      }
    }
    for (const lane::SinkOutput& sink : stage.spec->sinks) {
      if (sink.node == lane::SinkOutput::kNoRows || !sink.topic.empty()) continue;
      stage.local.push_back(absl::StrCat("sink '", sink.name, "' has no topic"));
    }
  }
}

void StageBuilder::Finish(JobPlan& plan) {
  PlaceRejects(plan);
  FindLocalUses(plan);
  for (size_t s = 0; s < stages_.size(); ++s) {
    StagePlan& stage = stages_[s];
    stage.first_lane = static_cast<uint32_t>(plan.lanes.size());
    for (uint32_t part = 0; part < stage.num_lanes; ++part) {
      LanePlan lane;
      lane.name = absl::StrCat(stage.spec->name, "[", part, "]");
      lane.stage = static_cast<uint32_t>(s);
      lane.part = part;
      plan.lanes.push_back(std::move(lane));
    }
    if (stage.source >= 0) {
      const SourcePlan& source = plan.sources[static_cast<size_t>(stage.source)];
      for (uint32_t rank = 0; rank < source.num_partitions(); ++rank) {
        InputPlan input;
        input.source = stage.source;
        input.partition = rank;
        plan.lanes[stage.first_lane + rank % stage.num_lanes].inputs.push_back(input);
      }
    }
  }
  // The other inputs are channels, and those need the numbers of all lanes.
  for (const StagePlan& stage : stages_) {
    if (stage.source < 0) AddChannels(stage, plan);
    AddSideChannels(stage, plan);
  }
  plan.stages = std::move(stages_);
}

const StagePlan& StageBuilder::ProducerOf(const std::string& topic) const {
  return *std::find_if(stages_.begin(), stages_.end(), [&topic](const StagePlan& stage) {
    return std::any_of(stage.spec->topics.begin(), stage.spec->topics.end(),
                       [&topic](const lane::TopicOutput& out) { return out.topic == topic; });
  });
}

void StageBuilder::AddChannels(const StagePlan& stage, JobPlan& plan) const {
  const StagePlan& producer = ProducerOf(stage.topic);
  for (uint32_t partition = 0; partition < stage.num_partitions; ++partition) {
    for (uint32_t part = 0; part < producer.num_lanes; ++part) {
      InputPlan input;
      const uint32_t reader = stage.first_lane + partition % stage.num_lanes;
      input.channel = {stage.topic, partition, producer.first_lane + part, reader};
      plan.lanes[reader].inputs.push_back(input);
    }
  }
}

// Every lane reads all of a side input, which one lane writes.
void StageBuilder::AddSideChannels(const StagePlan& stage, JobPlan& plan) const {
  for (size_t side = 0; side < stage.side_topics.size(); ++side) {
    InputPlan input;
    input.side = static_cast<int>(side);
    const uint32_t producer = ProducerOf(stage.side_topics[side]).first_lane;
    for (uint32_t part = 0; part < stage.num_lanes; ++part) {
      const uint32_t reader = stage.first_lane + part;
      input.channel = {stage.side_topics[side], 0, producer, reader};
      plan.lanes[reader].inputs.push_back(input);
    }
  }
}

}  // namespace streamml::plan::internal
