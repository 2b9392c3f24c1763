// The operator that scores rows with a model and learns from them at once, test-then-train.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/learn/encoder.h"
#include "worker/learn/learner.h"
#include "worker/learn/metrics.h"
#include "worker/operators/operator.h"

namespace streamml::operators {

// A model as the manifest describes it. A plain value.
struct ModelSpec {
  std::string name = {};  // names the states, with OperatorContext::owner the same
  learn::FeatureSpec features = {};
  std::string learner = {};
  learn::Parameters parameters = {};
  std::string label = {};  // column of the scored relation: boolean, or bigint 0 or 1
  std::vector<std::string> metrics = {};  // of learn::MetricTable()
};

// What a model has done so far, for summaries and progress.
struct ModelReport {
  uint64_t examples = 0;  // learned from
  std::vector<learn::MetricValue> metrics;
  learn::FeatureEncoder::Counts features;
};

// An operator that learns.
class ModelReporter {
 public:
  virtual ~ModelReporter() = default;
  virtual ModelReport Report() const = 0;
};

// Per row, in order: encode with the scaler as it is, predict, emit; and where the label is not
// NULL: add score and label to the metrics, take the row into scaler and dictionary, encode again,
// learn. The output is the input's columns, then
//   score          double precision, P(label = 1); 0.5 before any training
//   model_version  bigint, the number of examples learned before this score; 0 before any training
// A row with a NULL label is scored only. A bigint label that is neither 0 nor 1 fails the row
// before anything else happens: it is not emitted, scored or learned. Only the columns that the
// features name are seen by the learner. Not thread-safe.
class ModelOperator final : public Operator, public ModelReporter {
 public:
  // INVALID_ARGUMENT for a label that is missing, of another type or also a feature, for input
  // columns named score or model_version, and for what the encoder, the learner and the metrics
  // refuse. FieldOf (base/at_field.h) says which value of the manifest's model it is about.
  static absl::StatusOr<std::unique_ptr<ModelOperator>> Make(
      const ModelSpec& spec, const std::shared_ptr<const data::Schema>& input,
      const OperatorContext& context);
  ~ModelOperator() override;

  absl::StatusOr<data::Batch> Process(const data::Batch& input, Dropped& dropped) override;
  std::shared_ptr<const data::Schema> output_schema() const override;

  ModelReport Report() const override;
  const learn::FeatureEncoder& encoder() const;
  const learn::Learner& learner() const;

 private:
  struct Parts;
  explicit ModelOperator(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace streamml::operators
