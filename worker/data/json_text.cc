#include "worker/data/json_text.h"

#include <array>
#include <cmath>

#include "worker/data/number_text.h"
#include "worker/data/time_text.h"

namespace streamml::data {
namespace {

constexpr std::array<bool, 256> NeedsEscape() {
  std::array<bool, 256> table = {};
  for (size_t byte = 0; byte < 0x20; ++byte) table[byte] = true;
  table['"'] = true;
  table['\\'] = true;
  return table;
}
constexpr std::array<bool, 256> kNeedsEscape = NeedsEscape();

void AppendEscaped(char character, std::string& out) {
  switch (character) {
    case '"':
      out.append("\\\"");
      return;
    case '\\':
      out.append("\\\\");
      return;
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    case '\b':
      out.append("\\b");
      return;
    case '\f':
      out.append("\\f");
      return;
    default:
      constexpr char kHex[] = "0123456789abcdef";
      out.append("\\u00");
      out.push_back(kHex[static_cast<unsigned char>(character) >> 4]);
      out.push_back(kHex[static_cast<unsigned char>(character) & 15]);
  }
}

void AppendJsonDouble(double value, std::string& out) {
  const bool is_number = std::isfinite(value);
  if (!is_number) out.push_back('"');
  AppendDoubleText(value, out);
  if (!is_number) out.push_back('"');
}

}  // namespace

void AppendJsonString(std::string_view text, std::string& out) {
  out.push_back('"');
  size_t plain_begin = 0;
  for (size_t index = 0; index < text.size(); ++index) {
    if (!kNeedsEscape[static_cast<unsigned char>(text[index])]) continue;
    out.append(text.substr(plain_begin, index - plain_begin));
    AppendEscaped(text[index], out);
    plain_begin = index + 1;
  }
  out.append(text.substr(plain_begin));
  out.push_back('"');
}

void AppendJsonValue(const Column& column, size_t row, std::string& out) {
  if (!column.HasValue(row)) {
    out.append("null");
    return;
  }
  switch (column.type()) {
    case Type::kBoolean:
      out.append(column.Boolean(row) ? "true" : "false");
      break;
    case Type::kBigint:
      AppendBigintText(column.Integer(row), out);
      break;
    case Type::kDouble:
      AppendJsonDouble(column.Double(row), out);
      break;
    case Type::kText:
      AppendJsonString(column.Text(row), out);
      break;
    case Type::kTimestamp:
      out.push_back('"');
      AppendTimestampIso(column.Integer(row), out);
      out.push_back('"');
      break;
  }
}

}  // namespace streamml::data
