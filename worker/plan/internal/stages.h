// Building stages: relations are put where their rows are made, and re-keyed where they must be.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "worker/operators/model.h"
#include "worker/plan/plan.h"
#include "worker/sql/plan.h"

namespace streamml::plan::internal {

// Where the rows of a relation are: rows that `node` of `stage` gives (-1: the stage's input).
struct Place {
  size_t stage = 0;
  int node = -1;
  std::shared_ptr<const data::Schema> schema;
  // Columns of `schema` that hold the stage's key, one for each key column; nullopt once one is
  // lost.
  std::optional<std::vector<size_t>> key;
  // Wanted as they come: what works on them next does not wait for the watermark either.
  bool on_arrival = false;
};

// "1 partition", "4 partitions".
inline std::string Partitions(uint32_t number) {
  return absl::StrCat(number, number == 1 ? " partition" : " partitions");
}

// When scorers take a version of a model that is trained apart.
struct AdoptRules {
  bool in_event_time = false;    // else as soon as it comes
  int64_t every_us = 1'000'000;  // event time between two versions
  int64_t lag_us = 0;            // > 0 in event time
};

class StageBuilder {
 public:
  // At most `max_lanes` lanes for each stage; internal topics get `num_partitions`. `any_arrival`:
  // some view emits on arrival, so rows of a source must not wait where they are read.
  StageBuilder(uint32_t max_lanes, uint32_t num_partitions, bool any_arrival)
      : max_lanes_(max_lanes), num_partitions_(num_partitions), any_arrival_(any_arrival) {}

  // A stage that reads the source's files.
  Place AddSource(const SourcePlan& source);
  // The rows of a checked query. `owner` names states and dead letters. The node must outlive the
  // plan: shared with the operators made from it. Its rows are wanted on arrival where those it
  // reads are, or its windows answer so.
  absl::StatusOr<Place> AddQuery(const std::shared_ptr<const sql::Node>& query,
                                 const std::string& owner,
                                 const absl::btree_map<std::string, Place>& relations);
  // The rows of a model that scores `from`, all in one lane.
  absl::StatusOr<Place> AddModel(const operators::ModelSpec& model, const Place& from);
  // The rows of a model that is trained apart: scored where `from` is, in all its lanes. Its
  // trainer must be added, too.
  absl::StatusOr<Place> AddScorer(const operators::ModelSpec& model, const AdoptRules& adopt,
                                  const Place& from);
  // One lane that learns from the rows of `from`. INVALID_ARGUMENT as TrainOperator.
  absl::Status AddTrainer(const operators::ModelSpec& model, const AdoptRules& adopt,
                          const Place& from);
  // `sink` with everything but its node.
  void AddSink(lane::SinkOutput sink, const Place& from);
  // The same rows, wanted as they come.
  Place OnArrival(Place from);

  // The stages, with lanes and inputs, into `plan`.
  void Finish(JobPlan& plan);

 private:
  absl::StatusOr<Place> AddNode(const sql::Node& node,
                                const std::shared_ptr<const sql::Node>& query,
                                const std::string& owner,
                                const absl::btree_map<std::string, Place>& relations);
  absl::StatusOr<Place> AppendOperator(const Place& from, lane::NodeSpec spec, std::string line);
  // In the order that `from` says.
  Place Rekey(const Place& from, const std::vector<size_t>& columns, const std::string& owner);
  // The same, not shared with others.
  Place AddRekeyedStage(const Place& from, const std::vector<size_t>& columns,
                        const std::string& owner);
  // Whether the stage of `from` can give its rows to an operator in the order that `from` says.
  bool CanOrder(const Place& from) const;
  // It does, from now on.
  void Order(const Place& from);
  Place PlaceForWindow(const sql::Node& node, const Place& from, const std::string& owner);
  int DeadSink(size_t stage, const std::string& owner);
  std::string FreeName(const std::string& wanted) const;
  const StagePlan& ProducerOf(const std::string& topic) const;
  void AddChannels(const StagePlan& stage, JobPlan& plan) const;
  void AddSideChannels(const StagePlan& stage, JobPlan& plan) const;
  void PlaceRejects(JobPlan& plan);
  void FindLocalUses(const JobPlan& plan);

  const uint32_t max_lanes_;
  const uint32_t num_partitions_;
  const bool any_arrival_;
  std::vector<StagePlan> stages_;
  struct Edge {
    size_t stage;
    int node;
    std::vector<size_t> columns;
    Place target;  // its rows are in the order that it says
  };
  absl::btree_map<std::string, int> operators_of_;  // by owner: how many it has
  std::vector<Edge> edges_;                         // re-keyings made so far, to share them
};

}  // namespace streamml::plan::internal
