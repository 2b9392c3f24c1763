#include "worker/sql/value_text.h"

#include "absl/status/statusor.h"
#include "worker/data/number_text.h"
#include "worker/data/time_text.h"
#include "worker/sql/internal/text.h"

namespace streamml::sql {
namespace {

template <typename T>
std::optional<Value> Wrap(const std::optional<T>& parsed) {
  if (!parsed.has_value()) return std::nullopt;
  return Value(*parsed);
}

std::optional<Value> ReadTimestamp(std::string_view text) {
  const absl::StatusOr<int64_t> microseconds = data::ParseTimestamp(text);
  if (!microseconds.ok()) return std::nullopt;
  return Value(*microseconds);
}

}  // namespace

std::optional<bool> ParseBoolean(std::string_view text) {
  const std::string word = internal::ToLower(internal::Strip(text));
  if (word.empty() || word == "o") return std::nullopt;
  for (const std::string_view truth : {"true", "yes", "on", "1"}) {
    if (truth.starts_with(word)) return true;
  }
  for (const std::string_view falsehood : {"false", "no", "off", "0"}) {
    if (falsehood.starts_with(word)) return false;
  }
  return std::nullopt;
}

std::optional<Value> ParseValue(std::string_view text, data::Type type) {
  const std::string_view trimmed = internal::Strip(text);
  switch (type) {
    case data::Type::kBoolean:
      return Wrap(ParseBoolean(trimmed));
    case data::Type::kBigint:
      return Wrap(data::ParseBigint(trimmed));
    case data::Type::kDouble:
      return Wrap(data::ParseDouble(trimmed));
    case data::Type::kText:
      return Value(std::string(text));
    case data::Type::kTimestamp:
      return ReadTimestamp(trimmed);
  }
  return std::nullopt;
}

std::string FormatValue(const Value& value, data::Type type) {
  std::string text;
  switch (type) {
    case data::Type::kBoolean:
      return std::get<bool>(value) ? "true" : "false";
    case data::Type::kBigint:
      data::AppendBigintText(std::get<int64_t>(value), text);
      break;
    case data::Type::kDouble:
      data::AppendDoubleText(std::get<double>(value), text);
      break;
    case data::Type::kText:
      return std::get<std::string>(value);
    case data::Type::kTimestamp:
      data::AppendTimestampText(std::get<int64_t>(value), text);
      break;
  }
  return text;
}

}  // namespace streamml::sql
