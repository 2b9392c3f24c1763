#include "worker/operators/score.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/status.h"
#include "worker/operators/internal/model_parts.h"
#include "worker/state/array_state.h"
#include "worker/state/replicated_states.h"

namespace streamml::operators {

using data::Type;

namespace {
enum VersionColumn : size_t { kModelVersion, kState, kKey, kValue, kLast };
}  // namespace

std::shared_ptr<const data::Schema> VersionSchema() {
  static const auto schema = std::make_shared<const data::Schema>(
      std::vector<data::Field>{{std::string(internal::kVersion), Type::kBigint},
                               {"state", Type::kText},
                               {"key", Type::kText},
                               {"value", Type::kText},
                               {"last", Type::kBoolean}},
      data::Schema::kNoTime);
  return schema;
}

struct ScoreOperator::Parts {
  state::ReplicatedStates replicated;
  internal::ModelCore core;
  std::shared_ptr<const data::Schema> output;
  std::optional<state::ArrayState> version;  // slot 0: the one that scores
};

absl::StatusOr<std::unique_ptr<ScoreOperator>> ScoreOperator::Make(
    const ModelSpec& spec, const std::shared_ptr<const data::Schema>& input,
    const OperatorContext& context) {
  auto parts = std::make_unique<Parts>();
  ASSIGN_OR_RETURN(parts->output, internal::ScoredSchema(spec, *input));
  ASSIGN_OR_RETURN(parts->core,
                   internal::MakeModelCore(spec, *input, context.owner, parts->replicated.inner()));
  parts->replicated.DeclareIn(*context.states, context.owner, parts->core.feature_hash);
  parts->version.emplace(state::StateId{context.owner, "model.version", parts->core.feature_hash},
                         *context.states);
  return std::unique_ptr<ScoreOperator>(new ScoreOperator(std::move(parts)));
}

ScoreOperator::ScoreOperator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ScoreOperator::~ScoreOperator() = default;

absl::StatusOr<data::Batch> ScoreOperator::Process(const data::Batch& input, Dropped& /*dropped*/) {
  auto scores = std::make_shared<data::Column>(Type::kDouble);
  auto versions = std::make_shared<data::Column>(Type::kBigint);
  scores->Reserve(input.num_rows());
  versions->Reserve(input.num_rows());
  const auto version = static_cast<int64_t>(parts_->version->Get(0));
  for (size_t row = 0; row < input.num_rows(); ++row) {
    scores->AppendDouble(parts_->core.learner->Predict(parts_->core.encoder->Encode(input, row)));
    versions->AppendInteger(version);
  }
  return internal::WithScores(input, parts_->output, std::move(scores), std::move(versions));
}

absl::Status ScoreOperator::TakeSide(const data::Batch& rows) {
  for (size_t row = 0; row < rows.num_rows(); ++row) {
    if (!rows.column(kLast).Boolean(row)) {
      parts_->replicated.Receive(rows.column(kState).Text(row), rows.column(kKey).Text(row),
                                 rows.column(kValue).Text(row));
      continue;
    }
    RETURN_IF_ERROR(parts_->replicated.Adopt());
    *parts_->version->Mutable(0) = static_cast<double>(rows.column(kModelVersion).Integer(row));
  }
  return absl::OkStatus();
}

std::shared_ptr<const data::Schema> ScoreOperator::output_schema() const { return parts_->output; }

namespace {

class OneEntry final : public state::ChangeSink {
 public:
  void Put(std::string_view key, std::string_view value) override {
    entry.key = key;
    entry.value = value;
  }
  void Delete(std::string_view /*key*/) override {}
  AdoptedEntry entry;
};

// The version that a scorer says it has, from the trainer's number of examples.
absl::StatusOr<AdoptedEntry> VersionEntry(std::string_view model, std::string_view hash,
                                          std::string_view key, std::string_view value) {
  state::StateSet set;
  state::ArrayState training({std::string(model), "model.training", 0}, set);
  state::ArrayState version({std::string(model), "model.version", 0}, set);
  RETURN_IF_ERROR(training.Load(key, value));
  *version.Mutable(0) = training.Get(internal::kTrainedExamples);
  OneEntry one;
  version.TakeChanges(one);
  one.entry.state = absl::StrCat(model, "/model.version#", hash);
  return one.entry;
}

}  // namespace

bool IsStateOfModel(std::string_view model, std::string_view state) {
  return state.size() > model.size() && state.starts_with(model) && state[model.size()] == '/';
}

absl::StatusOr<std::optional<AdoptedEntry>> AdoptFromTrainer(std::string_view model,
                                                             std::string_view state,
                                                             std::string_view key,
                                                             std::string_view value) {
  if (!IsStateOfModel(model, state)) return std::nullopt;
  const std::string_view name = state.substr(model.size() + 1);
  const std::string_view hash = name.substr(std::min(name.find('#') + 1, name.size()));
  if (name.starts_with("metrics.") || name.starts_with("model.moving#")) return std::nullopt;
  if (name.starts_with("model.training#")) return VersionEntry(model, hash, key, value);
  return AdoptedEntry{std::string(state), std::string(key), std::string(value)};
}

}  // namespace streamml::operators
