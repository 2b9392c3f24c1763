#include "worker/operators/internal/partition_key.h"

#include <limits>

#include "base/bytes.h"

namespace streamml::operators::internal {

namespace {

double Canonical(double value) {
  if (value != value) return std::numeric_limits<double>::quiet_NaN();
  return value == 0 ? 0 : value;
}

}  // namespace

void AppendPartitionKey(const data::Batch& batch, size_t row, const std::vector<size_t>& columns,
                        std::string& out) {
  ByteWriter writer(out);
  for (const size_t index : columns) {
    const data::Column& column = batch.column(index);
    writer.U8(column.HasValue(row) ? 1 : 0);
    if (!column.HasValue(row)) continue;
    switch (column.type()) {
      case data::Type::kBoolean:
        writer.U8(column.Boolean(row) ? 1 : 0);
        break;
      case data::Type::kBigint:
      case data::Type::kTimestamp:
        writer.I64(column.Integer(row));
        break;
      case data::Type::kDouble:
        writer.F64(Canonical(column.Double(row)));
        break;
      case data::Type::kText:
        writer.Text(column.Text(row));
        break;
    }
  }
}

}  // namespace streamml::operators::internal
