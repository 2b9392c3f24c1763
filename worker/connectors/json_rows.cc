#include "worker/connectors/json_rows.h"

#include <array>
#include <charconv>
#include <cmath>

#include "absl/strings/escaping.h"
#include "worker/connectors/utf8.h"
#include "worker/data/number_text.h"
#include "worker/data/time_text.h"

namespace streamml::connectors {
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

void AppendUnsigned(uint64_t value, std::string& out) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void AppendJsonDouble(double value, std::string& out) {
  const bool is_number = std::isfinite(value);
  if (!is_number) out.push_back('"');
  data::AppendDoubleText(value, out);
  if (!is_number) out.push_back('"');
}

void AppendValue(const data::Column& column, size_t row, std::string& out) {
  if (!column.HasValue(row)) {
    out.append("null");
    return;
  }
  switch (column.type()) {
    case data::Type::kBoolean:
      out.append(column.Boolean(row) ? "true" : "false");
      break;
    case data::Type::kBigint:
      data::AppendBigintText(column.Integer(row), out);
      break;
    case data::Type::kDouble:
      AppendJsonDouble(column.Double(row), out);
      break;
    case data::Type::kText:
      AppendJsonString(column.Text(row), out);
      break;
    case data::Type::kTimestamp:
      out.push_back('"');
      data::AppendTimestampIso(column.Integer(row), out);
      out.push_back('"');
      break;
  }
}

// A path may hold any bytes; those that are not UTF-8 are shown as \xNN.
std::string Printable(std::string_view text) {
  if (FindInvalidUtf8(text) == std::string_view::npos) return std::string(text);
  return absl::CHexEscape(absl::string_view(text.data(), text.size()));
}

}  // namespace

JsonRowWriter::JsonRowWriter(const data::Schema& schema) {
  for (const data::Field& field : schema.fields()) {
    std::string key = keys_.empty() ? "{" : ",";
    AppendJsonString(field.name, key);
    key.push_back(':');
    keys_.push_back(std::move(key));
  }
}

void JsonRowWriter::Append(const data::Batch& batch, size_t row, std::string& out) const {
  if (keys_.empty()) out.push_back('{');
  for (size_t index = 0; index < keys_.size(); ++index) {
    out.append(keys_[index]);
    AppendValue(batch.column(index), row, out);
  }
  out.append("}\n");
}

void JsonRowWriter::Append(const data::Batch& batch, std::string& out) const {
  for (size_t row = 0; row < batch.num_rows(); ++row) Append(batch, row, out);
}

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

void AppendDeadLetterJson(std::string_view source, std::string_view partition,
                          const DeadLetter& letter, std::string& out) {
  out.append("{\"source\":");
  AppendJsonString(source, out);
  out.append(",\"partition\":");
  AppendJsonString(Printable(partition), out);
  out.append(",\"record\":");
  AppendUnsigned(letter.record, out);
  out.append(",\"bytePosition\":");
  AppendUnsigned(letter.byte_position, out);
  out.append(",\"reason\":");
  AppendJsonString(letter.reason, out);
  if (FindInvalidUtf8(letter.raw) == std::string_view::npos) {
    out.append(",\"raw\":");
    AppendJsonString(letter.raw, out);
  } else {
    out.append(",\"rawBase64\":");
    AppendJsonString(absl::Base64Escape(letter.raw), out);
  }
  if (letter.raw_cut) out.append(",\"rawCut\":true");
  out.append("}\n");
}

}  // namespace streamml::connectors
