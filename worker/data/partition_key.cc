#include "worker/data/partition_key.h"

#include <limits>

#include "base/bytes.h"

namespace streamml::data {

namespace {

double Canonical(double value) {
  if (value != value) return std::numeric_limits<double>::quiet_NaN();
  return value == 0 ? 0 : value;
}

}  // namespace

void AppendPartitionKey(const Batch& batch, size_t row, const std::vector<size_t>& columns,
                        std::string& out) {
  ByteWriter writer(out);
  for (const size_t index : columns) {
    const Column& column = batch.column(index);
    writer.U8(column.HasValue(row) ? 1 : 0);
    if (!column.HasValue(row)) continue;
    switch (column.type()) {
      case Type::kBoolean:
        writer.U8(column.Boolean(row) ? 1 : 0);
        break;
      case Type::kBigint:
      case Type::kTimestamp:
        writer.I64(column.Integer(row));
        break;
      case Type::kDouble:
        writer.F64(Canonical(column.Double(row)));
        break;
      case Type::kText:
        writer.Text(column.Text(row));
        break;
    }
  }
}

}  // namespace streamml::data
