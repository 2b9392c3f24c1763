#include "worker/connectors/json_rows.h"

#include <charconv>

#include "absl/strings/escaping.h"
#include "worker/connectors/utf8.h"
#include "worker/data/json_text.h"

namespace streamml::connectors {
namespace {

void AppendUnsigned(uint64_t value, std::string& out) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace

JsonRowWriter::JsonRowWriter(const data::Schema& schema) {
  for (const data::Field& field : schema.fields()) {
    std::string key = keys_.empty() ? "{" : ",";
    data::AppendJsonString(field.name, key);
    key.push_back(':');
    keys_.push_back(std::move(key));
  }
}

void JsonRowWriter::Append(const data::Batch& batch, size_t row, std::string& out) const {
  if (keys_.empty()) out.push_back('{');
  for (size_t index = 0; index < keys_.size(); ++index) {
    out.append(keys_[index]);
    data::AppendJsonValue(batch.column(index), row, out);
  }
  out.append("}\n");
}

void JsonRowWriter::Append(const data::Batch& batch, std::string& out) const {
  for (size_t row = 0; row < batch.num_rows(); ++row) Append(batch, row, out);
}

void AppendDeadLetterJson(std::string_view source, std::string_view partition,
                          const DeadLetter& letter, std::string& out) {
  out.append("{\"source\":");
  data::AppendJsonString(source, out);
  out.append(",\"partition\":");
  data::AppendJsonString(ShowAsUtf8(partition), out);
  out.append(",\"record\":");
  AppendUnsigned(letter.record, out);
  out.append(",\"bytePosition\":");
  AppendUnsigned(letter.byte_position, out);
  out.append(",\"reason\":");
  data::AppendJsonString(letter.reason, out);
  if (FindInvalidUtf8(letter.raw) == std::string_view::npos) {
    out.append(",\"raw\":");
    data::AppendJsonString(letter.raw, out);
  } else {
    out.append(",\"rawBase64\":");
    data::AppendJsonString(absl::Base64Escape(letter.raw), out);
  }
  if (letter.raw_cut) out.append(",\"rawCut\":true");
  out.append("}\n");
}

}  // namespace streamml::connectors
