#include "worker/operators/internal/model_parts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/at_field.h"
#include "base/status.h"
#include "base/wording.h"
#include "worker/learn/metrics.h"

namespace streamml::operators::internal {
namespace {

using data::Type;

constexpr std::string_view kLabelField = "train.label";

bool IsFeature(const learn::FeatureSpec& features, const std::string& column) {
  const auto holds = [&column](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), column) != names.end();
  };
  return holds(features.numeric) ||
         std::any_of(features.categorical.begin(), features.categorical.end(), holds);
}

}  // namespace

absl::Status Invalid(const ModelSpec& spec, std::string_view field, std::string_view what) {
  return AtField(absl::InvalidArgumentError(absl::StrCat("model '", spec.name, "': ", what)),
                 field);
}

absl::StatusOr<std::shared_ptr<const data::Schema>> ScoredSchema(const ModelSpec& spec,
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

data::Batch WithScores(const data::Batch& rows, std::shared_ptr<const data::Schema> schema,
                       std::shared_ptr<const data::Column> scores,
                       std::shared_ptr<const data::Column> versions) {
  std::vector<std::shared_ptr<const data::Column>> columns = rows.columns();
  columns.push_back(std::move(scores));
  columns.push_back(std::move(versions));
  return {std::move(schema), std::move(columns), rows.shared_origins()};
}

absl::StatusOr<LabelReader> LabelReader::Make(const ModelSpec& spec, const data::Schema& schema) {
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
  LabelReader reader;
  reader.model_ = spec.name;
  reader.name_ = spec.label;
  reader.column_ = *index;
  return reader;
}

std::string LabelReader::WhyRefused(const data::Batch& batch, size_t row) const {
  const data::Column& column = batch.column(column_);
  if (column.IsNull(row)) return "";
  if (!column.HasValue(row)) {
    return absl::StrCat("model '", model_, "': the value of label '", name_, "' failed");
  }
  const double value = column.AsDouble(row);
  if (value == 0 || value == 1) return "";
  return absl::StrCat("model '", model_, "': label '", name_, "' is ", column.Integer(row),
                      "; allowed: 0, 1, NULL");
}

absl::StatusOr<ModelCore> MakeModelCore(const ModelSpec& spec, const data::Schema& input,
                                        const std::string& owner, state::StateSet& states) {
  const auto annotate = [&spec](const absl::Status& status, std::string_view field) {
    return AtField(Annotate(status, absl::StrCat("model '", spec.name, "'")), field);
  };
  RETURN_IF_ERROR(annotate(learn::CheckLearner(spec.learner, spec.parameters), "learner"));
  RETURN_IF_ERROR(annotate(learn::CheckMetrics(spec.metrics), "metrics"));
  ModelCore core;
  auto encoder = learn::FeatureEncoder::Make(spec.features, input, owner, states);
  RETURN_IF_ERROR(annotate(encoder.status(), "features"));
  core.encoder = *std::move(encoder);
  core.feature_hash = core.encoder->schema_hash();
  ASSIGN_OR_RETURN(core.learner, learn::MakeLearner(spec.learner, spec.parameters,
                                                    {owner, &states, core.feature_hash}));
  return core;
}

}  // namespace streamml::operators::internal
