#include "worker/operators/model.h"

#include <optional>
#include <utility>

#include "base/status.h"
#include "worker/operators/internal/model_parts.h"
#include "worker/operators/row_error.h"
#include "worker/state/array_state.h"

namespace streamml::operators {

using data::Type;

struct ModelOperator::Parts {
  internal::LabelReader label;
  internal::ModelCore core;
  std::shared_ptr<const data::Schema> output;
  std::unique_ptr<learn::MetricSet> metrics;
  std::optional<state::ArrayState> learned;  // slot 0: number of examples

  // Score, then, unless the label is NULL, metrics and one step of learning.
  double TestThenTrain(const data::Batch& batch, size_t row) {
    learn::Features x = core.encoder->Encode(batch, row);
    const double score = core.learner->Predict(x);
    if (label.IsNull(batch, row)) return score;
    const double truth = label.Value(batch, row);
    metrics->Add(score, truth == 1);
    if (core.encoder->Observe(batch, row)) x = core.encoder->Encode(batch, row);
    core.learner->Learn(x, truth);
    *learned->Mutable(0) += 1;
    return score;
  }
};

absl::StatusOr<std::unique_ptr<ModelOperator>> ModelOperator::Make(
    const ModelSpec& spec, const std::shared_ptr<const data::Schema>& input,
    const OperatorContext& context) {
  auto parts = std::make_unique<Parts>();
  ASSIGN_OR_RETURN(parts->label, internal::LabelReader::Make(spec, *input));
  ASSIGN_OR_RETURN(parts->output, internal::ScoredSchema(spec, *input));
  ASSIGN_OR_RETURN(parts->core,
                   internal::MakeModelCore(spec, *input, context.owner, *context.states));
  ASSIGN_OR_RETURN(parts->metrics,
                   learn::MetricSet::Make(spec.metrics, context.owner, *context.states));
  parts->learned.emplace(state::StateId{context.owner, "model.examples", parts->core.feature_hash},
                         *context.states);
  return std::unique_ptr<ModelOperator>(new ModelOperator(std::move(parts)));
}

ModelOperator::ModelOperator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ModelOperator::~ModelOperator() = default;

absl::StatusOr<data::Batch> ModelOperator::Process(const data::Batch& input, Dropped& dropped) {
  auto scores = std::make_shared<data::Column>(Type::kDouble);
  auto versions = std::make_shared<data::Column>(Type::kBigint);
  scores->Reserve(input.num_rows());
  versions->Reserve(input.num_rows());
  std::vector<uint32_t> kept;
  for (size_t row = 0; row < input.num_rows(); ++row) {
    if (std::string reason = parts_->label.WhyRefused(input, row); !reason.empty()) {
      dropped.failed.push_back(MakeRowError(input, row, std::move(reason)));
      continue;
    }
    kept.push_back(static_cast<uint32_t>(row));
    versions->AppendInteger(static_cast<int64_t>(parts_->learned->Get(0)));
    scores->AppendDouble(parts_->TestThenTrain(input, row));
  }
  const data::Batch rows = kept.size() == input.num_rows() ? input : data::Take(input, kept);
  return internal::WithScores(rows, parts_->output, std::move(scores), std::move(versions));
}

std::shared_ptr<const data::Schema> ModelOperator::output_schema() const { return parts_->output; }

ModelReport ModelOperator::Report() const {
  return {.examples = static_cast<uint64_t>(parts_->learned->Get(0)),
          .metrics = parts_->metrics->Values(),
          .features = parts_->core.encoder->counts()};
}

const learn::FeatureEncoder& ModelOperator::encoder() const { return *parts_->core.encoder; }
const learn::Learner& ModelOperator::learner() const { return *parts_->core.learner; }

}  // namespace streamml::operators
