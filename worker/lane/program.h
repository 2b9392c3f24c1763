// What a stage does with its rows: operators in a fixed order, and where their rows go.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/data/batch.h"
#include "worker/operators/operator.h"
#include "worker/state/state.h"

namespace streamml::lane {

// Rows that leave the stage for an internal topic, by hash of key columns (none: all to partition
// 0).
struct TopicOutput {
  int node = -1;  // whose rows; -1: the stage's input
  std::string topic;
  uint32_t num_partitions = 1;
  std::vector<size_t> key_columns;
};

// Rows that leave the job as JSON lines, for part files or for a topic. Index in StageSpec::sinks
// is what other members refer to.
struct SinkOutput {
  static constexpr int kNoRows = -2;
  int node = kNoRows;                // whose rows; kNoRows for dead letters and late rows
  std::string name;                  // folder under the data folder
  std::string part_prefix = "part";  // part files are named "<prefix>-<lane in its stage>.jsonl"
  std::string topic = {};            // on the log's cluster, in place of part files
  uint32_t num_partitions = 0;       // of that topic
  // Columns of a record's key, which decides its partition: one column is the key as text, several
  // are a JSON array. Without them the row's origin decides.
  std::vector<size_t> key_columns = {};
  // Most bytes of a record of the topic, key and value together. A row that is larger is a line of
  // `dead_sink`; without one its beginning stands in its place, with the reason.
  size_t max_record_bytes = SIZE_MAX;
  int dead_sink = -1;
};

// Of a record in a topic of rows that are no results: what brokers take if nobody says otherwise.
inline constexpr size_t kMaxRejectBytes = 1'000'000;

// One operator, fed with the rows of an earlier node.
struct NodeSpec {
  int input = -1;       // an earlier node, or -1 for the stage's input
  std::string owner;    // view or model it belongs to
  std::string name;     // unique in the owner, such as "window0"
  int dead_sink = -1;   // sink for rows that fail here
  bool is_end = false;  // what it gives are no rows of its input: these end here
  // Makes the operator; states are declared in `states`.
  std::function<absl::StatusOr<std::unique_ptr<operators::Operator>>(
      std::shared_ptr<const data::Schema> input, state::StateSet& states)>
      make;
};

// A channel whose rows are not of the stage's input: versions of a model for one that scores.
struct SideInput {
  int node = -1;  // whose TakeSide gets them
  std::shared_ptr<const data::Schema> schema;
  // True: they take their place in event order, `lag_us` (> 0) after their event time, and what
  // comes after them waits for them. False: they are taken first thing after a commit, as far as
  // they have come, and hold nothing back.
  bool in_order = false;
  int64_t lag_us = 0;
};

// A part of the job between two re-keyings. Immutable once planned; lanes of one stage share it.
struct StageSpec {
  std::string name;
  std::shared_ptr<const data::Schema> input_schema;
  bool event_order = false;  // process rows in order of origin up to the watermark
  bool on_arrival = false;   // process rows of whatever input has some, as soon as it has
  std::vector<NodeSpec> nodes;
  std::vector<SideInput> sides;  // each lane has one input for each, after all others
  std::vector<TopicOutput> topics;
  std::vector<SinkOutput> sinks;
  int dead_sink = -1;  // for records that are no rows (stages that read sources)
  int late_sink = -1;
};

}  // namespace streamml::lane
