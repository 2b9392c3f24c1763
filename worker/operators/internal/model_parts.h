// What the operators of a model share: one that scores and trains, or one that scores and one that
// trains.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "worker/learn/encoder.h"
#include "worker/learn/learner.h"
#include "worker/operators/model.h"

namespace streamml::operators::internal {

inline constexpr std::string_view kScore = "score";
inline constexpr std::string_view kVersion = "model_version";
// Where a trainer's state of training has the number of examples that it has learned.
inline constexpr uint64_t kTrainedExamples = 0;

// `field` is the path in the manifest's model.
absl::Status Invalid(const ModelSpec& spec, std::string_view field, std::string_view what);

// The columns of a scored relation: those of `input`, score and model_version.
absl::StatusOr<std::shared_ptr<const data::Schema>> ScoredSchema(const ModelSpec& spec,
                                                                 const data::Schema& input);

// `rows` with these columns behind theirs, in the schema that ScoredSchema gave.
data::Batch WithScores(const data::Batch& rows, std::shared_ptr<const data::Schema> schema,
                       std::shared_ptr<const data::Column> scores,
                       std::shared_ptr<const data::Column> versions);

// The label of a row, in a relation that has it.
class LabelReader {
 public:
  LabelReader() = default;
  // INVALID_ARGUMENT for one that is missing, of another type or also a feature.
  static absl::StatusOr<LabelReader> Make(const ModelSpec& spec, const data::Schema& schema);

  bool IsNull(const data::Batch& batch, size_t row) const {
    return batch.column(column_).IsNull(row);
  }
  // 0 or 1, of a row that is not refused and not NULL.
  double Value(const data::Batch& batch, size_t row) const {
    return batch.column(column_).AsDouble(row);
  }
  // The reason why the row cannot be used, or "".
  std::string WhyRefused(const data::Batch& batch, size_t row) const;

 private:
  std::string model_;
  std::string name_;
  size_t column_ = 0;
};

// The encoder and the learner, with their states.
struct ModelCore {
  std::unique_ptr<learn::FeatureEncoder> encoder;
  std::unique_ptr<learn::Learner> learner;
  uint64_t feature_hash = 0;
};
// Checks all of the model, its metrics too, before the first state is declared.
absl::StatusOr<ModelCore> MakeModelCore(const ModelSpec& spec, const data::Schema& input,
                                        const std::string& owner, state::StateSet& states);

}  // namespace streamml::operators::internal
