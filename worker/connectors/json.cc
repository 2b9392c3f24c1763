// JSON records through simdjson's On-Demand parser: one walk over each document, which reads the
// columns and checks everything else.
#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/connectors/format.h"
#include "worker/connectors/internal/json_path.h"
#include "worker/connectors/utf8.h"
#include "worker/data/number_text.h"

namespace streamml::connectors {
namespace {

namespace ondemand = simdjson::ondemand;
using internal::PathNode;
using simdjson::error_code;

constexpr size_t kShownBytes = 64;
static_assert(simdjson::SIMDJSON_PADDING <= RowParser::kPadding);

std::string_view KindName(ondemand::json_type type) {
  switch (type) {
    case ondemand::json_type::array:
      return "array";
    case ondemand::json_type::object:
      return "object";
    case ondemand::json_type::number:
      return "number";
    case ondemand::json_type::string:
      return "string";
    case ondemand::json_type::boolean:
      return "boolean";
    default:
      return "null";
  }
}

std::string_view Complaint(error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return "invalid UTF-8";
    case simdjson::EMPTY:
      return "no value";
    case simdjson::UNCLOSED_STRING:
      return "a string is not closed";
    case simdjson::UNESCAPED_CHARS:
      return "a control character inside a string";
    case simdjson::STRING_ERROR:
      return "a bad escape inside a string";
    case simdjson::NUMBER_ERROR:
      return "a malformed number";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "expected true, false or null";
    case simdjson::TRAILING_CONTENT:
      return "text behind the object";
    case simdjson::DEPTH_ERROR:
      return "nesting is too deep";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "an object or array is not closed, or text stands behind it";
    default:
      return "malformed";
  }
}

// The token without the white space behind it.
std::string_view Trimmed(std::string_view token) {
  const size_t last = token.find_last_not_of(" \t\r\n");
  return token.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

size_t SkipDigits(std::string_view text, size_t position) {
  while (position < text.size() && text[position] >= '0' && text[position] <= '9') ++position;
  return position;
}

// RFC 8259, section 6.
bool IsNumber(std::string_view text) {
  size_t position = text.starts_with('-') ? 1 : 0;
  const size_t integer = position;
  position = SkipDigits(text, position);
  if (position == integer || (text[integer] == '0' && position > integer + 1)) return false;
  if (position < text.size() && text[position] == '.') {
    const size_t fraction = position + 1;
    position = SkipDigits(text, fraction);
    if (position == fraction) return false;
  }
  if (position < text.size() && (text[position] == 'e' || text[position] == 'E')) {
    ++position;
    if (position < text.size() && (text[position] == '+' || text[position] == '-')) ++position;
    const size_t exponent = position;
    position = SkipDigits(text, exponent);
    if (position == exponent) return false;
  }
  return position == text.size();
}

// Of a number: whether all digits before the exponent are 0.
bool IsZero(std::string_view number) {
  return number.substr(0, number.find_first_of("eE")).find_first_of("123456789") ==
         std::string_view::npos;
}

class JsonParser : public RowParser {
 public:
  JsonParser(std::vector<SourceColumn> columns, PathNode root)
      : columns_(std::move(columns)), root_(std::move(root)) {}

  bool Parse(std::string_view record, Row& row, std::string& reason) override;

 private:
  // All return whether to go on; on false the reason is set, or `error_` is for Parse() to explain.
  bool Walk(std::string_view record, ondemand::document& document);
  bool ReadObject(ondemand::object object, const PathNode* node, int depth);
  bool ReadArray(ondemand::array array, const PathNode* node, int depth);
  bool ReadValue(ondemand::value value, const PathNode* node, int depth);
  bool ReadInner(ondemand::value value, const PathNode& node, int depth);
  bool ReadCell(ondemand::value value, int column);
  bool ReadNumber(ondemand::value value, const SourceColumn& column, Cell& cell);
  bool ReadString(ondemand::value value, const SourceColumn& column, Cell& cell);
  bool CheckOnly(ondemand::value value, ondemand::json_type type, int depth);
  bool RefuseType(ondemand::value value, ondemand::json_type type, const SourceColumn& column);

  bool Fail(error_code error) {
    error_ = error;
    return false;
  }
  bool FailWith(std::string reason) {
    *reason_ = std::move(reason);
    return false;
  }
  void Explain(std::string_view record, ondemand::document& document);

  const std::vector<SourceColumn> columns_;
  const PathNode root_;
  ondemand::parser parser_;
  // Of the record being parsed.
  Row* row_ = nullptr;
  std::string* reason_ = nullptr;
  error_code error_ = simdjson::SUCCESS;
};

bool JsonParser::Parse(std::string_view record, Row& row, std::string& reason) {
  row.assign(columns_.size(), Cell());
  reason.clear();
  row_ = &row;
  reason_ = &reason;
  error_ = simdjson::SUCCESS;
  if (record.size() > parser_.capacity()) {
    // Twice the size, so that records growing slowly do not allocate each time.
    const error_code error = parser_.allocate(std::max<size_t>(2 * record.size(), 4096));
    if (error != simdjson::SUCCESS) return FailWith("not enough memory to parse the record");
  }
  ondemand::document document;
  const error_code error = parser_
                               .iterate(simdjson::padded_string_view(record.data(), record.size(),
                                                                     record.size() + kPadding))
                               .get(document);
  if (error != simdjson::SUCCESS) {
    Fail(error);
  } else if (Walk(record, document)) {
    return true;
  }
  if (reason.empty()) Explain(record, document);
  return false;
}

bool JsonParser::Walk(std::string_view record, ondemand::document& document) {
  ondemand::json_type type;
  if (const error_code error = document.type().get(type)) return Fail(error);
  if (type != ondemand::json_type::object) {
    const std::string_view shown = Utf8Prefix(record, kShownBytes);
    return FailWith(absl::StrCat("expected a JSON object, got ", shown,
                                 shown.size() < record.size() ? "..." : ""));
  }
  ondemand::object object;
  if (const error_code error = document.get_object().get(object)) return Fail(error);
  if (!ReadObject(object, &root_, 1)) return false;
  return document.at_end() || Fail(simdjson::TRAILING_CONTENT);
}

void JsonParser::Explain(std::string_view record, ondemand::document& document) {
  std::string place;
  const char* location = nullptr;
  if (error_ == simdjson::UTF8_ERROR) {
    place = absl::StrCat(" at byte ", FindInvalidUtf8(record));
  } else if (document.is_alive() &&
             document.current_location().get(location) == simdjson::SUCCESS &&
             location >= record.data() && location <= record.data() + record.size()) {
    place = absl::StrCat(" at byte ", location - record.data());
  }
  *reason_ = absl::StrCat("not JSON", place, ": ", Complaint(error_));
}

bool JsonParser::ReadObject(ondemand::object object, const PathNode* node, int depth) {
  size_t hint = 0;
  for (auto item : object) {
    ondemand::field field;
    if (const error_code error = std::move(item).get(field)) return Fail(error);
    const PathNode* child = nullptr;
    std::string_view key = field.escaped_key();
    if (key.find('\\') != std::string_view::npos) {
      if (const error_code error = field.unescaped_key().get(key)) return Fail(error);
    }
    if (node != nullptr) child = node->Find(key, hint);
    if (!ReadValue(field.value(), child, depth)) return false;
  }
  return true;
}

bool JsonParser::ReadArray(ondemand::array array, const PathNode* node, int depth) {
  size_t hint = 0;
  size_t index = 0;
  for (auto item : array) {
    ondemand::value value;
    if (const error_code error = std::move(item).get(value)) return Fail(error);
    const PathNode* child = nullptr;
    if (node != nullptr) {
      char digits[20];
      const char* end = std::to_chars(digits, digits + sizeof digits, index++).ptr;
      child = node->Find({digits, static_cast<size_t>(end - digits)}, hint);
    }
    if (!ReadValue(value, child, depth)) return false;
  }
  return true;
}

bool JsonParser::ReadValue(ondemand::value value, const PathNode* node, int depth) {
  if (node != nullptr && node->column != PathNode::kNoColumn) return ReadCell(value, node->column);
  if (node != nullptr) return ReadInner(value, *node, depth);
  ondemand::json_type type;
  if (const error_code error = value.type().get(type)) return Fail(error);
  return CheckOnly(value, type, depth);
}

// A value on the way to columns.
bool JsonParser::ReadInner(ondemand::value value, const PathNode& node, int depth) {
  for (const int column : node.columns)
    (*row_)[column] = Cell();  // a key before this one, if equal
  ondemand::json_type type;
  if (const error_code error = value.type().get(type)) return Fail(error);
  switch (type) {
    case ondemand::json_type::object: {
      ondemand::object object;
      if (const error_code error = value.get_object().get(object)) return Fail(error);
      return ReadObject(object, &node, depth + 1);
    }
    case ondemand::json_type::array: {
      if (node.keyed_column != PathNode::kNoColumn) break;
      ondemand::array array;
      if (const error_code error = value.get_array().get(array)) return Fail(error);
      return ReadArray(array, &node, depth + 1);
    }
    case ondemand::json_type::null:
      return CheckOnly(value, type, depth);
    default:
      break;
  }
  const int column = type == ondemand::json_type::array ? node.keyed_column : node.columns.front();
  return FailWith(absl::StrCat("column '", columns_[column].name, "': expected an object at '",
                               node.pointer, "', got ", KindName(type)));
}

bool JsonParser::CheckOnly(ondemand::value value, ondemand::json_type type, int depth) {
  if (depth >= kMaxJsonDepth) {
    return FailWith(absl::StrCat("nesting is deeper than ", kMaxJsonDepth));
  }
  error_code error = simdjson::SUCCESS;
  switch (type) {
    case ondemand::json_type::object: {
      ondemand::object object;
      error = value.get_object().get(object);
      return error == simdjson::SUCCESS ? ReadObject(object, nullptr, depth + 1) : Fail(error);
    }
    case ondemand::json_type::array: {
      ondemand::array array;
      error = value.get_array().get(array);
      return error == simdjson::SUCCESS ? ReadArray(array, nullptr, depth + 1) : Fail(error);
    }
    case ondemand::json_type::string:
      error = value.get_string().error();
      break;
    case ondemand::json_type::boolean:
      error = value.get_bool().error();
      break;
    case ondemand::json_type::null: {
      bool is_null = false;
      error = value.is_null().get(is_null);
      if (error == simdjson::SUCCESS && !is_null) error = simdjson::N_ATOM_ERROR;
      break;
    }
    default:
      // Any size of number is JSON, whether or not a double holds it.
      error =
          IsNumber(Trimmed(value.raw_json_token())) ? simdjson::SUCCESS : simdjson::NUMBER_ERROR;
  }
  return error == simdjson::SUCCESS || Fail(error);
}

bool JsonParser::ReadCell(ondemand::value value, int column_index) {
  const SourceColumn& column = columns_[column_index];
  Cell& cell = (*row_)[column_index];
  cell = Cell();
  ondemand::json_type type;
  if (const error_code error = value.type().get(type)) return Fail(error);
  switch (type) {
    case ondemand::json_type::null:
      return CheckOnly(value, type, 0);
    case ondemand::json_type::number:
      return ReadNumber(value, column, cell);
    case ondemand::json_type::string:
      return ReadString(value, column, cell);
    case ondemand::json_type::boolean:
      if (column.type != data::Type::kBoolean) break;
      cell.mark = data::Mark::kValue;
      if (const error_code error = value.get_bool().get(cell.boolean)) return Fail(error);
      return true;
    default:
      break;
  }
  return RefuseType(value, type, column);
}

bool JsonParser::ReadNumber(ondemand::value value, const SourceColumn& column, Cell& cell) {
  constexpr auto kNumber = ondemand::json_type::number;
  const std::string_view token = Trimmed(value.raw_json_token());
  cell.mark = data::Mark::kValue;
  if (column.type == data::Type::kBigint) {
    if (value.get_int64().get(cell.integer) == simdjson::SUCCESS) return true;
    if (const auto whole = data::ParseWholeNumber(token); whole.has_value() && IsNumber(token)) {
      cell.integer = *whole;
      return true;
    }
  } else if (column.type == data::Type::kDouble) {
    const bool is_double = value.get_double().get(cell.number) == simdjson::SUCCESS;
    // simdjson makes 0 of what is too small; here and in PostgreSQL it does not fit.
    if (is_double && (cell.number != 0 || IsZero(token))) return true;
  } else if (column.type == data::Type::kTimestamp && column.unit.has_value() && IsNumber(token)) {
    const auto time = data::ParseEpoch(token, *column.unit);
    if (!time.ok()) {
      return FailWith(absl::StrCat("column '", column.name, "': ", time.status().message()));
    }
    cell.integer = *time;
    return true;
  }
  if (!IsNumber(token)) return Fail(simdjson::NUMBER_ERROR);
  return RefuseType(value, kNumber, column);
}

bool JsonParser::ReadString(ondemand::value value, const SourceColumn& column, Cell& cell) {
  const bool is_time = column.type == data::Type::kTimestamp && !column.unit.has_value();
  if (column.type != data::Type::kText && !is_time) {
    return RefuseType(value, ondemand::json_type::string, column);
  }
  if (const error_code error = value.get_string().get(cell.text)) return Fail(error);
  cell.mark = data::Mark::kValue;
  if (!is_time) return CanHold(column, cell.text, *reason_);
  const auto time = data::ParseTimestamp(cell.text);
  if (!time.ok()) {
    return FailWith(absl::StrCat("column '", column.name, "': ", time.status().message()));
  }
  cell.integer = *time;
  return true;
}

bool JsonParser::RefuseType(ondemand::value value, ondemand::json_type type,
                            const SourceColumn& column) {
  const bool is_scalar = type != ondemand::json_type::object && type != ondemand::json_type::array;
  return FailWith(TypeReason(column, KindName(type),
                             is_scalar ? Trimmed(value.raw_json_token()) : std::string_view()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowParser>> MakeJsonParser(std::vector<SourceColumn> columns) {
  ASSIGN_OR_RETURN(PathNode root, internal::MakePathTree(columns));
  return std::make_unique<JsonParser>(std::move(columns), std::move(root));
}

}  // namespace streamml::connectors
