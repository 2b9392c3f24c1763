#include "worker/operators/filter.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/operators/evaluate.h"
#include "worker/operators/row_error.h"

namespace streamml::operators {

namespace {

class Filter final : public Operator {
 public:
  Filter(Evaluator condition, std::shared_ptr<const data::Schema> schema)
      : condition_(std::move(condition)), schema_(std::move(schema)) {}

  absl::StatusOr<data::Batch> Process(const data::Batch& input, Dropped& dropped) override {
    std::vector<FailedValue> failed;
    const std::shared_ptr<const data::Column> condition = condition_.Evaluate(input, failed);
    for (FailedValue& failure : failed) {
      std::string reason = absl::StrCat(failure.reason, " in WHERE");
      dropped.failed.push_back(MakeRowError(input, failure.row, std::move(reason)));
    }
    std::vector<uint32_t> kept;
    kept.reserve(input.num_rows());
    for (uint32_t row = 0; row < input.num_rows(); ++row) {
      if (condition->HasValue(row) && condition->Boolean(row)) kept.push_back(row);
    }
    dropped.filtered += input.num_rows() - failed.size() - kept.size();
    if (kept.size() == input.num_rows()) {
      return data::Batch(schema_, input.columns(), input.shared_origins());
    }
    const data::Batch taken = data::Take(input, kept);
    return data::Batch(schema_, taken.columns(), taken.shared_origins());
  }

  std::shared_ptr<const data::Schema> output_schema() const override { return schema_; }

 private:
  Evaluator condition_;
  // Shared with every batch of the output.
  std::shared_ptr<const data::Schema> schema_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeFilter(
    const sql::Node& node, const std::shared_ptr<const data::Schema>& input,
    const OperatorContext&) {
  if (node.expressions.size() != 1 || node.expressions[0].type != data::Type::kBoolean) {
    return absl::InvalidArgumentError("filter: the condition is not one boolean expression");
  }
  if (node.schema.fields() != input->fields()) {
    return absl::InvalidArgumentError("filter: the columns of output and input differ");
  }
  ASSIGN_OR_RETURN(Evaluator condition, Evaluator::Make(node.expressions[0], *input));
  return std::make_unique<Filter>(std::move(condition),
                                  std::make_shared<const data::Schema>(node.schema));
}

}  // namespace streamml::operators
