#include "worker/operators/project.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/operators/evaluate.h"
#include "worker/operators/internal/drop_failed.h"

namespace streamml::operators {

namespace {

class Project final : public Operator {
 public:
  Project(std::vector<Evaluator> columns, std::shared_ptr<const data::Schema> schema)
      : columns_(std::move(columns)), schema_(std::move(schema)) {}

  absl::StatusOr<data::Batch> Process(const data::Batch& input, Dropped& dropped) override {
    std::vector<FailedValue> failed;
    std::vector<std::shared_ptr<const data::Column>> columns;
    columns.reserve(columns_.size());
    for (size_t i = 0; i < columns_.size(); ++i) {
      const size_t begin = failed.size();
      columns.push_back(columns_[i].Evaluate(input, failed));
      internal::NameColumn(schema_->field(i).name, begin, failed);
    }
    data::Batch output(schema_, std::move(columns), input.shared_origins());
    return internal::DropFailed(input, std::move(output), std::move(failed), dropped);
  }

  std::shared_ptr<const data::Schema> output_schema() const override { return schema_; }

 private:
  std::vector<Evaluator> columns_;
  // Shared with every batch of the output.
  std::shared_ptr<const data::Schema> schema_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeProject(
    const sql::Node& node, const std::shared_ptr<const data::Schema>& input,
    const OperatorContext&) {
  if (node.expressions.size() != node.schema.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "project: ", node.expressions.size(), " expressions for ", node.schema.size(), " columns"));
  }
  std::vector<Evaluator> columns;
  for (size_t i = 0; i < node.expressions.size(); ++i) {
    const data::Field& field = node.schema.field(i);
    auto column = Evaluator::Make(node.expressions[i], *input);
    if (!column.ok()) return Annotate(column.status(), absl::StrCat("column '", field.name, "'"));
    if (column->type() != field.type) {
      return absl::InvalidArgumentError(absl::StrCat("column '", field.name, "': is ",
                                                     data::TypeName(field.type), ", computed as ",
                                                     data::TypeName(column->type())));
    }
    columns.push_back(*std::move(column));
  }
  return std::make_unique<Project>(std::move(columns),
                                   std::make_shared<const data::Schema>(node.schema));
}

}  // namespace streamml::operators
