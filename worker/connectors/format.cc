#include "worker/connectors/format.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/connectors/utf8.h"

namespace streamml::connectors {
namespace {

constexpr size_t kShownBytes = 64;

void AppendCell(const Cell& cell, data::Column& column) {
  if (cell.mark != data::Mark::kValue) return column.AppendNull();
  switch (column.type()) {
    case data::Type::kBoolean:
      return column.AppendBoolean(cell.boolean);
    case data::Type::kBigint:
    case data::Type::kTimestamp:
      return column.AppendInteger(cell.integer);
    case data::Type::kDouble:
      return column.AppendDouble(cell.number);
    case data::Type::kText:
      return column.AppendText(cell.text);
  }
}

}  // namespace

void AppendRow(const Row& row, data::BatchBuilder& builder) {
  for (size_t index = 0; index < row.size(); ++index) {
    AppendCell(row[index], builder.column(index));
  }
}

bool CanHold(const SourceColumn& column, std::string_view text, std::string& reason) {
  if (text.find('\0') == std::string_view::npos) return true;
  reason = absl::StrCat("column '", column.name, "': a text cannot hold U+0000");
  return false;
}

std::string TypeReason(const SourceColumn& column, std::string_view kind, std::string_view seen) {
  const std::string_view shown = Utf8Prefix(seen, kShownBytes);
  std::string written;
  if (column.unit.has_value()) {
    written = absl::StrCat(" as a number of ", data::TimeUnitName(*column.unit));
  } else if (column.type == data::Type::kTimestamp) {
    written = " as text (for a number the column needs unit: s, ms or us)";
  }
  return absl::StrCat("column '", column.name, "': expected ", data::TypeName(column.type), written,
                      ", got ", kind, shown.empty() ? "" : " ", shown,
                      shown.size() < seen.size() ? "..." : "");
}

}  // namespace streamml::connectors
