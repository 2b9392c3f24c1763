// The operator that trains a model for lanes that score with it.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "worker/operators/model.h"
#include "worker/operators/operator.h"
#include "worker/operators/score.h"

namespace streamml::operators {

// When the trainer sends versions: at multiples of `every_us` of training time, each with all
// examples before that time.
struct VersionRules {
  int64_t every_us = 1'000'000;  // > 0
  // True: at each multiple before which there were new examples. False: also only as often as a
  // version costs no more than kVersionBytesPerExample for each example that is new in it, or after
  // ten multiples, so that a large model does not flood the log.
  bool always = false;
};
inline constexpr double kVersionBytesPerExample = 1024;

// Learns from scored rows in event order: encodes the raw features again, with the scaler's state
// of the moment, as ModelOperator does. Metrics judge the score that the row carries, which is the
// one that was given at the time. A row with a NULL label is not learned and counts as filtered.
// The output are versions, rows of VersionSchema(). Not thread-safe.
class TrainOperator final : public Operator, public ModelReporter {
 public:
  // INVALID_ARGUMENT as ModelOperator, and for an input without event time or without the column
  // score.
  static absl::StatusOr<std::unique_ptr<TrainOperator>> Make(
      const ModelSpec& spec, const VersionRules& rules,
      const std::shared_ptr<const data::Schema>& input, const OperatorContext& context);
  ~TrainOperator() override;

  absl::StatusOr<data::Batch> Process(const data::Batch& input, Dropped& dropped) override;
  absl::StatusOr<data::Batch> AtFrontier(int64_t frontier) override;
  std::shared_ptr<const data::Schema> output_schema() const override { return VersionSchema(); }
  ModelReport Report() const override;

 private:
  struct Parts;
  explicit TrainOperator(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace streamml::operators
