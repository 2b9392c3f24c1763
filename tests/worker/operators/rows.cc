#include "tests/worker/operators/rows.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "worker/data/number_text.h"
#include "worker/data/row_codec.h"
#include "worker/data/time_text.h"

namespace streamml::operators {

namespace {

using data::Type;

void Append(const sql::Value& value, data::Column& column) {
  if (std::holds_alternative<std::monostate>(value)) return column.AppendNull();
  switch (column.type()) {
    case Type::kBoolean:
      return column.AppendBoolean(std::get<bool>(value));
    case Type::kBigint:
    case Type::kTimestamp:
      return column.AppendInteger(std::get<int64_t>(value));
    case Type::kDouble:
      return column.AppendDouble(std::get<double>(value));
    case Type::kText:
      return column.AppendText(std::get<std::string>(value));
  }
}

void AppendText(const data::Column& column, size_t row, std::string& out) {
  if (column.IsNull(row)) {
    out += "NULL";
    return;
  }
  ASSERT_TRUE(column.HasValue(row)) << "a failed value left the operator";
  switch (column.type()) {
    case Type::kBoolean:
      out += column.Boolean(row) ? "true" : "false";
      return;
    case Type::kBigint:
      return data::AppendBigintText(column.Integer(row), out);
    case Type::kDouble:
      return data::AppendDoubleText(column.Double(row), out);
    case Type::kText:
      out += "'" + std::string(column.Text(row)) + "'";
      return;
    case Type::kTimestamp:
      return data::AppendTimestampText(column.Integer(row), out);
  }
}

class EntrySink final : public state::ChangeSink {
 public:
  EntrySink(std::string id, Entries& entries) : id_(std::move(id)), entries_(entries) {}
  void Put(std::string_view key, std::string_view value) override {
    EXPECT_TRUE(seen_.insert(std::string(key)).second) << "a key was put twice";
    entries_[{id_, std::string(key)}] = value;
  }
  void Delete(std::string_view key) override {
    EXPECT_TRUE(seen_.insert(std::string(key)).second) << "a key changed twice";
    const size_t erased = entries_.erase({id_, std::string(key)});
    EXPECT_EQ(erased, 1u) << "deleted what was never put";
  }

 private:
  std::string id_;
  Entries& entries_;
  std::set<std::string> seen_;
};

}  // namespace

data::Batch MakeRows(const std::shared_ptr<const data::Schema>& schema,
                     const std::vector<InputRow>& rows, uint64_t first_offset) {
  data::BatchBuilder builder(schema);
  for (const InputRow& row : rows) {
    builder.AddOrigin({row.time, 0, 0, first_offset++});
    for (size_t i = 0; i < schema->size(); ++i) Append(row.values[i], builder.column(i));
  }
  return builder.Finish();
}

data::Batch Slice(const data::Batch& batch, size_t begin, size_t end) {
  std::vector<uint32_t> rows(end - begin);
  std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(begin));
  return data::Take(batch, rows);
}

std::vector<std::string> Show(const data::Batch& batch) {
  std::vector<std::string> rows(batch.num_rows());
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t i = 0; i < batch.schema().size(); ++i) {
      if (i > 0) rows[row] += ", ";
      AppendText(batch.column(i), row, rows[row]);
    }
  }
  return rows;
}

void ApplyChanges(const state::StateSet& states, Entries& entries) {
  for (state::DeclaredState* each : states.states()) {
    EntrySink sink(each->id().ToString(), entries);
    each->TakeChanges(sink);
  }
}

Running::Running(const sql::Node& node, const std::shared_ptr<const data::Schema>& input) {
  const OperatorEntry* entry = FindOperator(node.kind);
  EXPECT_NE(entry, nullptr);
  auto made = entry->make(node, input, {"view", "step0", states.get()});
  EXPECT_TRUE(made.ok()) << made.status();
  op = *std::move(made);
}

data::Batch Running::Feed(const data::Batch& batch) {
  auto output = op->Process(batch, dropped);
  EXPECT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->schema(), *op->output_schema());
  for (size_t row = 0; row < output->num_rows(); ++row) {
    emitted.push_back(output->origin(row));
    data::EncodeRow(*output, row, output_bytes);
  }
  return *output;
}

void Running::Load(const Entries& entries) {
  for (const auto& [name, value] : entries) {
    state::DeclaredState* each = states->Find(name.first);
    ASSERT_NE(each, nullptr) << name.first;
    const absl::Status status = each->Load(name.second, value);
    ASSERT_TRUE(status.ok()) << status;
  }
}

}  // namespace streamml::operators
