#include "worker/data/record_key.h"

#include "worker/data/json_text.h"

namespace streamml::data {

void AppendRecordKey(const Batch& batch, size_t row, const std::vector<size_t>& columns,
                     std::string& out) {
  if (columns.size() == 1) {
    const Column& column = batch.column(columns[0]);
    if (column.type() == Type::kText && column.HasValue(row)) {
      out.append(column.Text(row));
    } else {
      AppendJsonValue(column, row, out);
    }
    return;
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    out.push_back(i == 0 ? '[' : ',');
    AppendJsonValue(batch.column(columns[i]), row, out);
  }
  if (!columns.empty()) out.push_back(']');
}

}  // namespace streamml::data
