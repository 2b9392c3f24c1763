// StageBuilder: where models score and where they are trained.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/at_field.h"
#include "base/status.h"
#include "job/manifest/values.h"
#include "worker/operators/score.h"
#include "worker/operators/train.h"
#include "worker/plan/internal/stages.h"

namespace streamml::plan::internal {
namespace {

std::string VersionsTopic(const operators::ModelSpec& model) {
  return absl::StrCat(model.name, ".versions");
}

uint64_t MostCategories(const operators::ModelSpec& model) {
  const learn::FeatureSpec& features = model.features;
  return features.hash_bits > 0 ? uint64_t{1} << features.hash_bits : features.dictionary_bound;
}

// What is said against adopting versions in event time by those that score `from`.
absl::Status CheckEventTime(const operators::ModelSpec& model, const Place& from) {
  std::string_view why;
  if (from.schema->time_column() == data::Schema::kNoTime) {
    why = "the scored relation has no event time; adopt with policy asap";
  } else if (from.on_arrival) {
    why =
        "the scored relation emits on arrival, and versions cannot be adopted in event time "
        "where rows do not wait for it; adopt with policy asap, or let the view emit watermark";
  } else {
    return absl::OkStatus();
  }
  return AtField(absl::InvalidArgumentError(absl::StrCat("model '", model.name, "': ", why)),
                 "train.adopt.policy");
}

}  // namespace

absl::StatusOr<Place> StageBuilder::AddModel(const operators::ModelSpec& model, const Place& from) {
  Place input = from;
  const bool timed = stages_[from.stage].spec->input_schema->time_column() != data::Schema::kNoTime;
  if (stages_[from.stage].num_lanes > 1 || (timed && !CanOrder(from))) {
    input = Rekey(from, {}, model.name);
  }
  // Examples are learned in event order wherever there is event time, or where they are scored at
  // once, as they come.
  if (timed) Order(input);
  lane::NodeSpec spec;
  spec.owner = model.name;
  spec.name = "model";
  spec.make = [model](
                  const std::shared_ptr<const data::Schema>& schema,
                  state::StateSet& states) -> absl::StatusOr<std::unique_ptr<operators::Operator>> {
    return operators::ModelOperator::Make(model, schema,
                                          operators::OperatorContext{model.name, "model", &states});
  };
  std::string line =
      absl::StrCat(model.name, ": model ", model.learner, ", trained inline on ", model.label);
  ASSIGN_OR_RETURN(Place place, AppendOperator(input, std::move(spec), std::move(line)));
  place.key = input.key;
  stages_[input.stage].categories[model.name] = MostCategories(model);
  return place;
}

absl::StatusOr<Place> StageBuilder::AddScorer(const operators::ModelSpec& model,
                                              const AdoptRules& adopt, const Place& from) {
  lane::NodeSpec spec;
  spec.owner = model.name;
  spec.name = "score";
  spec.make = [model](
                  const std::shared_ptr<const data::Schema>& schema,
                  state::StateSet& states) -> absl::StatusOr<std::unique_ptr<operators::Operator>> {
    return operators::ScoreOperator::Make(model, schema,
                                          operators::OperatorContext{model.name, "score", &states});
  };
  std::string line = absl::StrCat(model.name, ": model ", model.learner, ", versions from topic ",
                                  VersionsTopic(model), ", adopted ");
  Place input = from;
  if (adopt.in_event_time) {
    RETURN_IF_ERROR(CheckEventTime(model, from));
    if (!CanOrder(from)) input = Rekey(from, from.key.value_or(std::vector<size_t>{}), model.name);
    Order(input);
    absl::StrAppend(&line, manifest::FormatDuration(adopt.lag_us), " after their event time");
  } else {
    line += "as they come";
  }
  ASSIGN_OR_RETURN(Place place, AppendOperator(input, std::move(spec), std::move(line)));
  place.key = input.key;
  StagePlan& stage = stages_[input.stage];
  stage.categories[model.name] = MostCategories(model);
  stage.spec->sides.push_back(
      {place.node, operators::VersionSchema(), adopt.in_event_time, adopt.lag_us});
  stage.side_topics.push_back(VersionsTopic(model));
  return place;
}

absl::Status StageBuilder::AddTrainer(const operators::ModelSpec& model, const AdoptRules& adopt,
                                      const Place& from) {
  // A stage of its own: it may pass on what its inputs allow, and waits for no side input. Examples
  // are learned in event order also where rows are scored as they come.
  Place examples = from;
  examples.on_arrival = false;
  const Place input = AddRekeyedStage(examples, {}, absl::StrCat(model.name, ".trainer"));
  operators::VersionRules rules;
  rules.every_us = adopt.every_us;
  rules.always = adopt.in_event_time;
  lane::NodeSpec spec;
  spec.owner = model.name;
  spec.name = "train";
  spec.is_end = true;
  spec.make = [model, rules](
                  const std::shared_ptr<const data::Schema>& schema,
                  state::StateSet& states) -> absl::StatusOr<std::unique_ptr<operators::Operator>> {
    return operators::TrainOperator::Make(model, rules, schema,
                                          operators::OperatorContext{model.name, "train", &states});
  };
  std::string line =
      absl::StrCat(model.name, ": model ", model.learner, ", trained on ", model.label,
                   ", a version each ", manifest::FormatDuration(adopt.every_us), " of event time");
  if (!adopt.in_event_time) line += " at most";
  absl::StrAppend(&line, ", into topic ", VersionsTopic(model));
  ASSIGN_OR_RETURN(const Place place, AppendOperator(input, std::move(spec), std::move(line)));
  lane::TopicOutput output;
  output.node = place.node;
  output.topic = VersionsTopic(model);
  stages_[input.stage].spec->topics.push_back(std::move(output));
  stages_[input.stage].trains = model.name;
  stages_[input.stage].categories[model.name] = MostCategories(model);
  return absl::OkStatus();
}

}  // namespace streamml::plan::internal
