#include "worker/connectors/json_rows.h"

#include <charconv>

#include "absl/strings/escaping.h"
#include "base/status.h"
#include "worker/connectors/utf8.h"
#include "worker/data/json_text.h"

namespace streamml::connectors {
namespace {

void AppendUnsigned(uint64_t value, std::string& out) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// `"name":` and the text, or `"nameBase64":` where the bytes are not UTF-8.
void AppendBytes(std::string_view name, std::string_view bytes, std::string& out) {
  const bool is_text = FindInvalidUtf8(bytes) == std::string_view::npos;
  absl::StrAppend(&out, ",\"", name, is_text ? "\":" : "Base64\":");
  if (is_text) {
    data::AppendJsonString(bytes, out);
  } else {
    data::AppendJsonString(absl::Base64Escape(absl::string_view(bytes.data(), bytes.size())), out);
  }
}

void AppendReasonAndBytes(const DeadLetter& letter, std::string& out) {
  out.append(",\"reason\":");
  data::AppendJsonString(letter.reason, out);
  if (letter.key.has_value()) AppendBytes("key", *letter.key, out);
  if (letter.key_cut) out.append(",\"keyCut\":true");
  AppendBytes("raw", letter.raw, out);
  if (letter.raw_cut) out.append(",\"rawCut\":true");
  out.append("}\n");
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
  AppendReasonAndBytes(letter, out);
}

void AppendDeadLetterJson(std::string_view source, const TopicPartition& partition,
                          const DeadLetter& letter, std::string& out) {
  out.append("{\"source\":");
  data::AppendJsonString(source, out);
  out.append(",\"topic\":");
  data::AppendJsonString(partition.topic, out);
  out.append(",\"partition\":");
  AppendUnsigned(partition.partition, out);
  out.append(",\"offset\":");
  AppendUnsigned(letter.record, out);
  if (letter.event.has_value()) {
    out.append(",\"event\":");
    AppendUnsigned(*letter.event, out);
  }
  AppendReasonAndBytes(letter, out);
}

}  // namespace streamml::connectors
