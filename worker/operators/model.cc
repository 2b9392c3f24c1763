#include "worker/operators/model.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/at_field.h"
#include "base/status.h"
#include "base/wording.h"
#include "worker/operators/row_error.h"
#include "worker/state/array_state.h"

namespace streamml::operators {

namespace {

using data::Type;

constexpr std::string_view kScore = "score";
constexpr std::string_view kVersion = "model_version";
constexpr std::string_view kLabelField = "train.label";

// `field` is the path in the manifest's model.
absl::Status Invalid(const ModelSpec& spec, std::string_view field, std::string_view what) {
  return AtField(absl::InvalidArgumentError(absl::StrCat("model '", spec.name, "': ", what)),
                 field);
}

bool IsFeature(const learn::FeatureSpec& features, const std::string& column) {
  const auto holds = [&column](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), column) != names.end();
  };
  return holds(features.numeric) ||
         std::any_of(features.categorical.begin(), features.categorical.end(), holds);
}

absl::StatusOr<size_t> FindLabel(const ModelSpec& spec, const data::Schema& schema) {
  const std::optional<size_t> index = schema.Find(spec.label);
  if (!index.has_value()) {
    std::vector<std::string> names;
    for (const data::Field& field : schema.fields()) names.push_back(field.name);
    return Invalid(
        spec, kLabelField,
        absl::StrCat("label column '", spec.label, "' is not in the relation",
                     DidYouMean(spec.label, names), "; its columns: ", absl::StrJoin(names, ", ")));
  }
  const Type type = schema.field(*index).type;
  if (type != Type::kBoolean && type != Type::kBigint) {
    return Invalid(spec, kLabelField,
                   absl::StrCat("label column '", spec.label, "' is ", data::TypeName(type),
                                "; allowed: boolean, or bigint with values 0 and 1; compare it in "
                                "the view, as in (",
                                spec.label, " = ...) AS label"));
  }
  if (IsFeature(spec.features, spec.label)) {
    return Invalid(spec, kLabelField,
                   absl::StrCat("label column '", spec.label,
                                "' is also a feature, which would show the model its answer"));
  }
  return *index;
}

absl::StatusOr<std::shared_ptr<const data::Schema>> OutputSchema(const ModelSpec& spec,
                                                                 const data::Schema& input) {
  std::vector<data::Field> fields = input.fields();
  for (const std::string_view name : {kScore, kVersion}) {
    if (input.Find(name).has_value()) {
      return Invalid(
          spec, "score",
          absl::StrCat("the scored relation has a column '", name,
                       "', which is the name of a column that the model adds; rename it"));
    }
  }
  fields.push_back({std::string(kScore), Type::kDouble});
  fields.push_back({std::string(kVersion), Type::kBigint});
  return std::make_shared<const data::Schema>(std::move(fields), input.time_column());
}

// 0, 1, or nullopt where the label is not one of them.
std::optional<double> ReadLabel(const data::Column& column, size_t row) {
  const double value = column.AsDouble(row);
  if (value == 0 || value == 1) return value;
  return std::nullopt;
}

}  // namespace

struct ModelOperator::Parts {
  ModelSpec spec;
  size_t label = 0;
  std::shared_ptr<const data::Schema> input;
  std::shared_ptr<const data::Schema> output;
  std::unique_ptr<learn::FeatureEncoder> encoder;
  std::unique_ptr<learn::Learner> learner;
  std::unique_ptr<learn::MetricSet> metrics;
  std::optional<state::ArrayState> learned;  // slot 0: number of examples

  // Score, then, unless the label is NULL, metrics and one step of learning.
  double TestThenTrain(const data::Batch& batch, size_t row) {
    learn::Features x = encoder->Encode(batch, row);
    const double score = learner->Predict(x);
    const data::Column& labels = batch.column(label);
    if (labels.IsNull(row)) return score;
    const double truth = *ReadLabel(labels, row);
    metrics->Add(score, truth == 1);
    if (encoder->Observe(batch, row)) x = encoder->Encode(batch, row);
    learner->Learn(x, truth);
    *learned->Mutable(0) += 1;
    return score;
  }

  // The reason why the row cannot be used, or "".
  std::string WhyRefused(const data::Batch& batch, size_t row) const {
    const data::Column& column = batch.column(label);
    if (column.IsNull(row)) return "";
    if (!column.HasValue(row)) {
      return absl::StrCat("model '", spec.name, "': the value of label '", spec.label, "' failed");
    }
    if (ReadLabel(column, row).has_value()) return "";
    return absl::StrCat("model '", spec.name, "': label '", spec.label, "' is ",
                        column.Integer(row), "; allowed: 0, 1, NULL");
  }
};

absl::StatusOr<std::unique_ptr<ModelOperator>> ModelOperator::Make(
    const ModelSpec& spec, std::shared_ptr<const data::Schema> input,
    const OperatorContext& context) {
  auto parts = std::make_unique<Parts>();
  ASSIGN_OR_RETURN(parts->label, FindLabel(spec, *input));
  ASSIGN_OR_RETURN(parts->output, OutputSchema(spec, *input));
  const auto annotate = [&spec](const absl::Status& status, std::string_view field) {
    return AtField(Annotate(status, absl::StrCat("model '", spec.name, "'")), field);
  };
  // Everything is checked before the first state is declared: a failed Make leaves no state behind.
  RETURN_IF_ERROR(annotate(learn::CheckLearner(spec.learner, spec.parameters), "learner"));
  RETURN_IF_ERROR(annotate(learn::CheckMetrics(spec.metrics), "metrics"));
  auto encoder = learn::FeatureEncoder::Make(spec.features, *input, context.owner, *context.states);
  RETURN_IF_ERROR(annotate(encoder.status(), "features"));
  parts->encoder = *std::move(encoder);
  const uint64_t feature_hash = parts->encoder->schema_hash();
  ASSIGN_OR_RETURN(parts->learner,
                   learn::MakeLearner(spec.learner, spec.parameters,
                                      {context.owner, context.states, feature_hash}));
  ASSIGN_OR_RETURN(parts->metrics,
                   learn::MetricSet::Make(spec.metrics, context.owner, *context.states));
  parts->learned.emplace(state::StateId{context.owner, "model.examples", feature_hash},
                         *context.states);
  parts->input = std::move(input);
  parts->spec = spec;
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
    if (std::string reason = parts_->WhyRefused(input, row); !reason.empty()) {
      dropped.failed.push_back(MakeRowError(input, row, std::move(reason)));
      continue;
    }
    kept.push_back(static_cast<uint32_t>(row));
    versions->AppendInteger(static_cast<int64_t>(parts_->learned->Get(0)));
    scores->AppendDouble(parts_->TestThenTrain(input, row));
  }
  const data::Batch rows = kept.size() == input.num_rows() ? input : data::Take(input, kept);
  std::vector<std::shared_ptr<const data::Column>> columns = rows.columns();
  columns.push_back(std::move(scores));
  columns.push_back(std::move(versions));
  return data::Batch(parts_->output, std::move(columns), rows.shared_origins());
}

std::shared_ptr<const data::Schema> ModelOperator::output_schema() const { return parts_->output; }

ModelReport ModelOperator::Report() const {
  return {.examples = static_cast<uint64_t>(parts_->learned->Get(0)),
          .metrics = parts_->metrics->Values(),
          .features = parts_->encoder->counts()};
}

const learn::FeatureEncoder& ModelOperator::encoder() const { return *parts_->encoder; }
const learn::Learner& ModelOperator::learner() const { return *parts_->learner; }

}  // namespace streamml::operators
