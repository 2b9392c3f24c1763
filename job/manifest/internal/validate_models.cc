// Rules of models.
#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_join.h"
#include "base/status.h"
#include "base/wording.h"
#include "job/manifest/internal/checker.h"
#include "job/manifest/values.h"

namespace streamml::manifest::internal {
namespace {

using job::v1::Model;

bool IsView(const job::v1::JobSpec& spec, const std::string& name) {
  return std::any_of(spec.views().begin(), spec.views().end(),
                     [&](const auto& view) { return view.name() == name; });
}

void CheckAdopt(const job::v1::Train& train, const std::string& path, Checker& checker) {
  if (!train.has_adopt()) return;
  const job::v1::Adopt& adopt = train.adopt();
  if (train.mode() == "inline") checker.Error(path, "only mode async has versions to adopt");
  if (adopt.policy() == "eventTime" && (adopt.every().empty() || adopt.lag().empty())) {
    checker.Error(path, "policy eventTime needs every and lag");
  }
  if (adopt.policy() == "asap" && !adopt.lag().empty()) {
    checker.Error(absl::StrCat(path, ".lag"), "policy asap has no lag; it is for eventTime");
  }
}

void CheckTrain(const Model& model, const std::string& path, Checker& checker) {
  const job::v1::Train& train = model.train();
  const std::string from_path = absl::StrCat(path, ".train.from");
  CheckReference(from_path, "relation", train.from(), RelationNames(checker.spec()), checker);
  if (train.mode() == "inline" && train.from() != model.score()) {
    // Whether a view is one on the scored relation is known when its SQL is.
    if (IsView(checker.spec(), train.from())) {
      checker.NotBuilt(from_path,
                       absl::StrCat("inline training from a view is not built; use ", model.score(),
                                    ", the relation that is scored, or mode async"));
    } else {
      checker.Error(from_path, absl::StrCat("inline training reads the relation that is scored (",
                                            model.score(), "); got ", Quoted(train.from())));
    }
  }
  if (train.mode() == "async" && train.from() != model.score() && train.from() != model.name() &&
      !IsView(checker.spec(), train.from())) {
    checker.Error(from_path, absl::StrCat("training apart learns from scored rows: ", model.score(),
                                          ", ", model.name(), " or a view on ", model.name(),
                                          "; got ", Quoted(train.from())));
  }
  CheckAdopt(train, absl::StrCat(path, ".train.adopt"), checker);
}

// A cross is a feature of its own; the same set of columns twice is a mistake in any order.
void CheckCategorical(const Model& model, const std::string& path, Checker& checker) {
  std::map<std::vector<std::string>, int> first;
  const auto& entries = model.features().categorical();
  for (int i = 0; i < entries.size(); ++i) {
    std::vector<std::string> columns(entries[i].columns().begin(), entries[i].columns().end());
    std::sort(columns.begin(), columns.end());
    const auto [found, is_new] = first.try_emplace(columns, i);
    if (is_new) continue;
    checker.Error(absl::StrCat(path, ".features.categorical[", i, "]"),
                  absl::StrCat("the same columns as categorical[", found->second, "]"));
  }
}

void CheckLabelIsNoFeature(const Model& model, const std::string& path, Checker& checker) {
  const auto check = [&](const auto& columns, const std::string& list) {
    for (int i = 0; i < columns.size(); ++i) {
      if (columns[i] != model.train().label()) continue;
      checker.Error(absl::StrCat(list, "[", i, "]"),
                    absl::StrCat("column ", Quoted(columns[i]),
                                 " is the label; a model that sees it learns nothing else"));
    }
  };
  check(model.features().numeric(), absl::StrCat(path, ".features.numeric"));
  for (int i = 0; i < model.features().categorical_size(); ++i) {
    check(model.features().categorical(i).columns(),
          absl::StrCat(path, ".features.categorical[", i, "].columns"));
  }
}

void CheckFeatures(const Model& model, const std::string& path, Checker& checker) {
  if (model.features().numeric().empty() && model.features().categorical().empty()) {
    checker.Error(absl::StrCat(path, ".features"),
                  "no features; numeric or categorical needs an entry");
  }
  CheckCategorical(model, path, checker);
  CheckLabelIsNoFeature(model, path, checker);
}

void CheckRollout(const Model& model, const std::string& path, Checker& checker) {
  const job::v1::Rollout& rollout = model.rollout();
  const bool canary = rollout.strategy() == "canary";
  if (canary && (rollout.key().empty() || rollout.steps().empty())) {
    checker.Error(path, "strategy canary needs key and steps");
  }
  if (!canary && (!rollout.key().empty() || !rollout.steps().empty())) {
    checker.Error(path, absl::StrCat("key and steps are for strategy canary; strategy is ",
                                     rollout.strategy()));
  }
  double before = 0;
  for (int i = 0; i < rollout.steps_size(); ++i) {
    const double step = ParsePercent(rollout.steps(i)).value_or(0);
    if (step <= before) {
      checker.Error(absl::StrCat(path, ".steps[", i, "]"),
                    absl::StrCat("steps rise, from above 0%; got ", rollout.steps(i)));
    }
    before = std::max(before, step);
  }
}

void CheckModel(const Model& model, Checker& checker) {
  const std::string path = absl::StrCat("spec.models[", model.name(), "]");
  CheckReference(absl::StrCat(path, ".score"), "relation", model.score(),
                 RelationNames(checker.spec()), checker);
  if (model.score() == model.name()) {
    checker.Error(absl::StrCat(path, ".score"), "a model cannot score its own scores");
  }
  if (model.has_learner()) {
    if (!model.has_train()) checker.Error(path, "a learner needs train; it is missing");
    if (!model.has_features()) checker.Error(path, "a learner needs features; they are missing");
  } else if (model.has_train()) {
    checker.Error(absl::StrCat(path, ".train"), "an imported model does not train");
  }
  if (model.has_train()) CheckTrain(model, path, checker);
  if (model.has_features()) CheckFeatures(model, path, checker);
  if (model.has_rollout()) CheckRollout(model, absl::StrCat(path, ".rollout"), checker);
}

}  // namespace

void CheckModels(Checker& checker) {
  for (const Model& model : checker.spec().models()) CheckModel(model, checker);
}

}  // namespace streamml::manifest::internal
