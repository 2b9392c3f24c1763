// The operator that scores rows with a model that is trained in another lane.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "worker/operators/model.h"
#include "worker/operators/operator.h"

namespace streamml::operators {

// What a trainer sends and scorers adopt: the entries of the model's states that changed since the
// version before, then one row that closes the version. Its columns:
//   model_version  bigint, the number of examples learned: names the state exactly, in one
//                  incarnation of the job
//   state, key, value  text, any bytes; empty in the closing row
//   last           boolean, true in the closing row
// Event time of its rows: all examples before it are in the version, and none after it.
std::shared_ptr<const data::Schema> VersionSchema();

// Scores with the version that was adopted last, scaler and dictionary being part of it. Rows of
// versions come through TakeSide; a version is adopted with its closing row. The output is the
// input's columns, score and model_version, as ModelOperator's: 0.5 and 0 before any version. Not
// thread-safe.
class ScoreOperator final : public Operator {
 public:
  // INVALID_ARGUMENT as ModelOperator, but for the label, which the trainer knows.
  static absl::StatusOr<std::unique_ptr<ScoreOperator>> Make(
      const ModelSpec& spec, const std::shared_ptr<const data::Schema>& input,
      const OperatorContext& context);
  ~ScoreOperator() override;

  absl::StatusOr<data::Batch> Process(const data::Batch& input, Dropped& dropped) override;
  absl::Status TakeSide(const data::Batch& rows) override;
  std::shared_ptr<const data::Schema> output_schema() const override;

 private:
  struct Parts;
  explicit ScoreOperator(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

// What a scorer has that adopts all that its trainer has learned, version or not: for a savepoint,
// whose scorers restore the trainer's state.
struct AdoptedEntry {
  std::string state;
  std::string key;
  std::string value;
};
// The state is the model's: a scorer that adopts has the trainer's in its place.
bool IsStateOfModel(std::string_view model, std::string_view state);
// An entry of the trainer of `model` as the scorer has it; nullopt for what scorers do not have.
// DATA_LOSS for what no trainer has saved.
absl::StatusOr<std::optional<AdoptedEntry>> AdoptFromTrainer(std::string_view model,
                                                             std::string_view state,
                                                             std::string_view key,
                                                             std::string_view value);

}  // namespace streamml::operators
