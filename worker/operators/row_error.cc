#include "worker/operators/row_error.h"

#include <cmath>
#include <string_view>
#include <utility>

#include "worker/data/number_text.h"
#include "worker/data/time_text.h"

namespace streamml::operators {

namespace {

void AppendQuoted(std::string_view text, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out.push_back('"');
  for (const char character : text) {
    const auto code = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      out.push_back('\\');
      out.push_back(character);
    } else if (character == '\n') {
      out.append("\\n");
    } else if (code < 0x20) {
      out.append("\\u00");
      out.push_back(kDigits[code >> 4]);
      out.push_back(kDigits[code & 15]);
    } else {
      out.push_back(character);
    }
  }
  out.push_back('"');
}

void AppendDouble(double value, std::string& out) {
  if (std::isfinite(value)) return data::AppendDoubleText(value, out);
  std::string name;
  data::AppendDoubleText(value, name);
  AppendQuoted(name, out);
}

void AppendTime(int64_t time, std::string& out) {
  std::string text;
  data::AppendTimestampIso(time, text);
  AppendQuoted(text, out);
}

void AppendValue(const data::Column& column, size_t row, std::string& out) {
  if (!column.HasValue(row)) {
    out.append("null");
    return;
  }
  switch (column.type()) {
    case data::Type::kBoolean:
      out.append(column.Boolean(row) ? "true" : "false");
      return;
    case data::Type::kBigint:
      return data::AppendBigintText(column.Integer(row), out);
    case data::Type::kDouble:
      return AppendDouble(column.Double(row), out);
    case data::Type::kText:
      return AppendQuoted(column.Text(row), out);
    case data::Type::kTimestamp:
      return AppendTime(column.Integer(row), out);
  }
}

}  // namespace

RowError MakeRowError(const data::Batch& input, size_t row, std::string reason) {
  std::string text = "{";
  for (size_t i = 0; i < input.schema().size(); ++i) {
    if (i > 0) text.append(", ");
    AppendQuoted(input.schema().field(i).name, text);
    text.append(": ");
    AppendValue(input.column(i), row, text);
  }
  text.push_back('}');
  return {input.origin(row), std::move(reason), std::move(text)};
}

}  // namespace streamml::operators
