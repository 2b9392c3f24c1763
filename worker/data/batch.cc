#include "worker/data/batch.h"

#include "absl/log/check.h"

namespace streamml::data {

Batch Take(const Batch& batch, const std::vector<uint32_t>& rows) {
  std::vector<std::shared_ptr<const Column>> columns;
  columns.reserve(batch.columns().size());
  for (const auto& source : batch.columns()) {
    auto column = std::make_shared<Column>(source->type());
    column->Reserve(rows.size());
    for (const uint32_t row : rows) column->AppendFrom(*source, row);
    columns.push_back(std::move(column));
  }
  auto origins = std::make_shared<std::vector<Origin>>();
  origins->reserve(rows.size());
  for (const uint32_t row : rows) origins->push_back(batch.origin(row));
  return Batch(batch.shared_schema(), std::move(columns), std::move(origins));
}

BatchBuilder::BatchBuilder(std::shared_ptr<const Schema> schema) : schema_(std::move(schema)) {
  Reset();
}

void BatchBuilder::Append(const Batch& batch) {
  if (batch.num_rows() == 0) return;
  CHECK_EQ(batch.columns().size(), columns_.size()) << "append of a batch of another schema";
  for (size_t index = 0; index < columns_.size(); ++index) {
    const Column& source = batch.column(index);
    CHECK(source.type() == columns_[index]->type()) << "append of a batch of another schema";
    for (size_t row = 0; row < batch.num_rows(); ++row) columns_[index]->AppendFrom(source, row);
  }
  origins_->insert(origins_->end(), batch.origins().begin(), batch.origins().end());
}

Batch BatchBuilder::Finish() {
  for (const auto& column : columns_) {
    CHECK_EQ(column->size(), origins_->size()) << "columns of a batch differ in length";
  }
  Batch batch(schema_, {columns_.begin(), columns_.end()}, std::move(origins_));
  Reset();
  return batch;
}

void BatchBuilder::Reset() {
  columns_.clear();
  columns_.reserve(schema_->size());
  for (const Field& field : schema_->fields()) {
    columns_.push_back(std::make_shared<Column>(field.type));
  }
  origins_ = std::make_shared<std::vector<Origin>>();
}

}  // namespace streamml::data
