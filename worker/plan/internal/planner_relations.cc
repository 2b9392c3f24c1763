// The planner's views and models. They may stand in any order, and a mistake in one is told once:
// not again by those that read it.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/at_field.h"
#include "base/status.h"
#include "job/manifest/values.h"
#include "worker/learn/learner.h"
#include "worker/learn/metrics.h"
#include "worker/plan/internal/planner.h"

namespace streamml::plan::internal {
namespace {

std::string ViewPath(const std::string& name) { return absl::StrCat("spec.views[", name, "].sql"); }

std::string ModelPath(const std::string& name) { return absl::StrCat("spec.models[", name, "]"); }

operators::ModelSpec ToModelSpec(const job::v1::Model& model) {
  operators::ModelSpec spec;
  spec.name = model.name();
  spec.features.numeric.assign(model.features().numeric().begin(),
                               model.features().numeric().end());
  spec.features.scale =
      model.features().scale() == "standard" ? learn::Scale::kStandard : learn::Scale::kNone;
  for (const job::v1::Categorical& categorical : model.features().categorical()) {
    spec.features.categorical.emplace_back(categorical.columns().begin(),
                                           categorical.columns().end());
  }
  spec.features.hash_bits = model.features().hash_bits();
  spec.learner = model.learner().name();
  for (const auto& [name, value] : model.learner().parameters()) spec.parameters[name] = value;
  spec.label = model.train().label();
  spec.metrics.assign(model.metrics().begin(), model.metrics().end());
  if (spec.metrics.empty()) spec.metrics = learn::DefaultMetrics();
  return spec;
}

AdoptRules ToAdoptRules(const job::v1::Train& train) {
  AdoptRules rules;
  rules.in_event_time = train.adopt().policy() == "eventTime";
  if (const auto every = manifest::ParseDuration(train.adopt().every()); every.ok()) {
    rules.every_us = *every;
  }
  rules.lag_us = manifest::ParseDuration(train.adopt().lag()).value_or(0);
  return rules;
}

}  // namespace

bool EmitsOnArrival(const job::v1::View& view) { return view.emit() == "arrival"; }

void Planner::AddRelations() {
  for (int i = 0; i < spec_.views_size(); ++i) {
    pending_.push_back({spec_.views(i).name(), i, /*is_view=*/true, "", {}});
  }
  for (int i = 0; i < spec_.models_size(); ++i) {
    pending_.push_back({spec_.models(i).name(), i, /*is_view=*/false, "", {}});
  }
  TryUntilNothingChanges();
  ReportUnknown();
  TryUntilNothingChanges();
  ReportCircles();
  for (const job::v1::Model& model : spec_.models()) {
    if (model.train().mode() == "async") AddTrainer(model);
  }
}

// What a trainer learns from may read the model's scores, so it is added after all of them.
void Planner::AddTrainer(const job::v1::Model& model) {
  // The rows that are scored are learned with the score that they were given.
  const std::string& from =
      model.train().from() == model.score() ? model.name() : model.train().from();
  const auto place = relations_.find(from);
  if (place == relations_.end() || !relations_.contains(model.name())) return;  // told before
  const absl::Status added =
      stages_.AddTrainer(ToModelSpec(model), ToAdoptRules(model.train()), place->second);
  if (added.ok()) return;
  const std::string field = FieldOf(added);
  Report(
      field.empty() ? ModelPath(model.name()) : absl::StrCat(ModelPath(model.name()), ".", field),
      added);
}

void Planner::TryUntilNothingChanges() {
  bool progress = true;
  while (progress) {
    const size_t before = pending_.size();
    std::erase_if(pending_, [this](Relation& relation) { return TryRelation(relation); });
    progress = pending_.size() < before;
  }
}

bool Planner::TryRelation(Relation& relation) {
  const bool is_done = relation.is_view ? TryView(relation) : TryModel(relation);
  if (is_done && !relations_.contains(relation.name)) failed_.insert(relation.name);
  return is_done;
}

bool Planner::TryView(Relation& relation) {
  const job::v1::View& view = spec_.views(relation.index);
  // Analysed apart, so that a second try does not leave operators of the first behind.
  auto node = sql::Analyze(view.sql(), catalog_);
  relation.reads = sql::UnknownRelation(node.status());
  relation.status = node.status();
  if (!relation.reads.empty()) return failed_.contains(relation.reads);
  if (!node.ok()) {
    ReportSql(ViewPath(view.name()), node.status());
    return true;
  }
  const bool on_arrival = EmitsOnArrival(view);
  if (on_arrival) sql::AnswerOnArrival(**node);
  const auto place =
      stages_.AddQuery(std::shared_ptr<const sql::Node>(*std::move(node)), view.name(), relations_);
  if (place.ok()) {
    Define(view.name(), on_arrival ? stages_.OnArrival(*place) : *place);
  } else {
    Report(ViewPath(view.name()), place.status());
  }
  return true;
}

bool Planner::TryModel(Relation& relation) {
  const job::v1::Model& model = spec_.models(relation.index);
  const std::string path = ModelPath(model.name());
  relation.reads = model.score();
  const auto from = relations_.find(model.score());
  if (from == relations_.end()) {
    if (!failed_.contains(model.score())) return false;
    CheckModelAlone(model);
    return true;
  }
  const bool apart = model.train().mode() == "async";
  const operators::ModelSpec spec = ToModelSpec(model);
  const auto place = apart ? stages_.AddScorer(spec, ToAdoptRules(model.train()), from->second)
                           : stages_.AddModel(spec, from->second);
  if (place.ok()) {
    Define(model.name(), *place);
    return true;
  }
  const std::string field = FieldOf(place.status());
  if (!field.starts_with("learner") && !field.starts_with("metrics")) {
    Report(field.empty() ? path : absl::StrCat(path, ".", field), place.status());
  }
  CheckModelAlone(model);
  return true;
}

// What can be said without the columns that the model reads.
void Planner::CheckModelAlone(const job::v1::Model& model) {
  const operators::ModelSpec spec = ToModelSpec(model);
  const auto check = [this, &model](const absl::Status& status, std::string_view field) {
    if (status.ok()) return;
    const absl::Status named = AtField(status, field);
    Report(absl::StrCat(ModelPath(model.name()), ".", FieldOf(named)),
           Annotate(named, absl::StrCat("model '", model.name(), "'")));
  };
  check(learn::CheckLearner(spec.learner, spec.parameters), "learner");
  check(learn::CheckMetrics(spec.metrics), "metrics");
}

// Views that read what is not in the manifest.
void Planner::ReportUnknown() {
  std::erase_if(pending_, [this, all = pending_](const Relation& relation) {
    const bool waits = std::any_of(all.begin(), all.end(), [&relation](const Relation& other) {
      return other.name == relation.reads;
    });
    if (waits) return false;
    ReportSql(ViewPath(relation.name), relation.status);
    failed_.insert(relation.name);
    return true;
  });
}

// The way from `start` along what each reads, until it comes to where it was before.
std::vector<const Planner::Relation*> Planner::WayFrom(const Relation& start) const {
  std::vector<const Relation*> way;
  const Relation* next = &start;
  while (std::find(way.begin(), way.end(), next) == way.end()) {
    way.push_back(next);
    next = &*std::find_if(pending_.begin(), pending_.end(),
                          [next](const Relation& other) { return other.name == next->reads; });
  }
  way.push_back(next);
  return way;
}

// All that are still pending read each other, or one that does.
void Planner::ReportCircles() {
  for (const Relation& relation : pending_) {
    const std::vector<const Relation*> way = WayFrom(relation);
    if (way.back() != &relation || failed_.contains(relation.name)) continue;
    const std::string names = absl::StrJoin(
        way, " reads ",
        [](std::string* out, const Relation* one) { absl::StrAppend(out, "'", one->name, "'"); });
    const absl::Status status = absl::InvalidArgumentError(
        absl::StrCat(way.size() == 2 ? "it reads itself: " : "relations read each other: ", names));
    if (relation.is_view) {
      ReportSqlAt(ViewPath(relation.name), status, sql::ErrorOffset(relation.status));
    } else {
      Report(absl::StrCat(ModelPath(relation.name), ".score"), status);
    }
    for (const Relation* one : way) failed_.insert(one->name);
  }
  for (const Relation& relation : pending_) {
    if (!relation.is_view) CheckModelAlone(spec_.models(relation.index));
    failed_.insert(relation.name);
  }
}

}  // namespace streamml::plan::internal
