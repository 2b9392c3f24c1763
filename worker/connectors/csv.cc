// CSV records (RFC 4180). Where a record ends is found by internal/record_reader.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/connectors/format.h"
#include "worker/connectors/utf8.h"
#include "worker/data/number_text.h"

namespace streamml::connectors {
namespace {

constexpr size_t kNotInHeader = static_cast<size_t>(-1);

struct CsvCell {
  std::string_view text;
  bool is_quoted = false;
};

// Takes records apart into cells; the cells point into the record or into the splitter.
class CsvSplitter {
 public:
  bool Split(std::string_view record, std::vector<CsvCell>& cells, std::string& reason);

 private:
  bool TakeQuoted(std::string_view record, size_t& position, CsvCell& cell, std::string& reason);

  std::string unescaped_;
};

bool CsvSplitter::Split(std::string_view record, std::vector<CsvCell>& cells, std::string& reason) {
  cells.clear();
  unescaped_.clear();
  unescaped_.reserve(record.size());  // so that views into it stay valid
  for (size_t position = 0;; ++position) {
    CsvCell cell;
    if (position < record.size() && record[position] == '"') {
      if (!TakeQuoted(record, position, cell, reason)) return false;
    } else {
      const size_t end = std::min(record.find(',', position), record.size());
      cell.text = record.substr(position, end - position);
      const size_t quote = cell.text.find('"');
      if (quote != std::string_view::npos) {
        reason = absl::StrCat("not CSV at byte ", position + quote,
                              ": a quote inside a cell that does not begin with one");
        return false;
      }
      position = end;
    }
    cells.push_back(cell);
    if (position == record.size()) return true;
  }
}

// `position` is at the opening quote, and afterwards at the comma or end behind the closing one.
bool CsvSplitter::TakeQuoted(std::string_view record, size_t& position, CsvCell& cell,
                             std::string& reason) {
  const size_t opening = position;
  const size_t unescaped_begin = unescaped_.size();
  size_t begin = position + 1;
  while (true) {
    const size_t quote = record.find('"', begin);
    if (quote == std::string_view::npos) {
      reason = absl::StrCat("not CSV at byte ", opening, ": a quoted cell is not closed");
      return false;
    }
    position = quote + 1;
    if (position == record.size() || record[position] != '"') {
      unescaped_.append(record.substr(begin, quote - begin));
      break;
    }
    unescaped_.append(record.substr(begin, quote - begin + 1));
    begin = position + 1;
  }
  if (position < record.size() && record[position] != ',') {
    reason = absl::StrCat("not CSV at byte ", position, ": text behind a closing quote");
    return false;
  }
  cell = {std::string_view(unescaped_).substr(unescaped_begin), true};
  return true;
}

std::optional<bool> ParseBoolean(std::string_view text) {
  const absl::string_view word(text.data(), text.size());
  for (const char* name : {"true", "t", "1"}) {
    if (absl::EqualsIgnoreCase(word, name)) return true;
  }
  for (const char* name : {"false", "f", "0"}) {
    if (absl::EqualsIgnoreCase(word, name)) return false;
  }
  return std::nullopt;
}

bool ReadTime(const SourceColumn& column, std::string_view text, Cell& cell, std::string& reason) {
  const auto time =
      column.unit.has_value() ? data::ParseEpoch(text, *column.unit) : data::ParseTimestamp(text);
  if (!time.ok()) {
    const bool lacks_unit = !column.unit.has_value() && data::ParseDouble(text).has_value();
    reason = lacks_unit ? TypeReason(column, "number", text)
                        : absl::StrCat("column '", column.name, "': ", time.status().message());
    return false;
  }
  cell.integer = *time;
  return true;
}

// Sets the value that the type says; false if the text is not one.
bool ReadValue(data::Type type, std::string_view text, Cell& cell) {
  if (type == data::Type::kBoolean) {
    const auto value = ParseBoolean(text);
    cell.boolean = value.value_or(false);
    return value.has_value();
  }
  if (type == data::Type::kBigint) {
    const auto value = data::ParseWholeNumber(text);
    cell.integer = value.value_or(0);
    return value.has_value();
  }
  if (type == data::Type::kDouble) {
    const auto value = data::ParseDouble(text);
    cell.number = value.value_or(0);
    return value.has_value();
  }
  cell.text = text;
  return true;
}

bool ReadCell(const SourceColumn& column, const CsvCell& from, Cell& cell, std::string& reason) {
  cell = Cell();
  const bool is_text = column.type == data::Type::kText;
  if (from.text.empty() && !(is_text && from.is_quoted)) return true;
  cell.mark = data::Mark::kValue;
  if (column.type == data::Type::kTimestamp) return ReadTime(column, from.text, cell, reason);
  if (is_text && !CanHold(column, from.text, reason)) return false;
  if (ReadValue(column.type, from.text, cell)) return true;
  reason = TypeReason(column, "cell", absl::StrCat("\"", from.text, "\""));
  return false;
}

class CsvParser : public RowParser {
 public:
  CsvParser(std::vector<SourceColumn> columns, std::vector<size_t> cell_of_column, size_t num_cells)
      : columns_(std::move(columns)),
        cell_of_column_(std::move(cell_of_column)),
        num_cells_(num_cells) {}

  bool Parse(std::string_view record, Row& row, std::string& reason) override {
    row.resize(columns_.size());
    const size_t invalid = FindInvalidUtf8(record);
    if (invalid != std::string_view::npos) {
      reason = absl::StrCat("not CSV at byte ", invalid, ": invalid UTF-8");
      return false;
    }
    if (!splitter_.Split(record, cells_, reason)) return false;
    if (cells_.size() != num_cells_) {
      reason =
          absl::StrCat("expected ", num_cells_, " cells as in the header, got ", cells_.size());
      return false;
    }
    for (size_t index = 0; index < columns_.size(); ++index) {
      if (!ReadCell(columns_[index], cells_[cell_of_column_[index]], row[index], reason))
        return false;
    }
    return true;
  }

  // With one cell a record there is no other way to write NULL.
  bool takes_empty_lines() const override { return num_cells_ == 1; }

 private:
  const std::vector<SourceColumn> columns_;
  const std::vector<size_t> cell_of_column_;
  const size_t num_cells_;
  CsvSplitter splitter_;
  std::vector<CsvCell> cells_;
};

absl::StatusOr<size_t> FindInHeader(const SourceColumn& column,
                                    const std::vector<CsvCell>& header) {
  const std::string_view name = column.path.empty() ? column.name : column.path;
  size_t found = kNotInHeader;
  std::string names;
  for (size_t index = 0; index < header.size(); ++index) {
    absl::StrAppend(&names, index == 0 ? "" : ", ", "'", header[index].text, "'");
    if (header[index].text != name) continue;
    if (found != kNotInHeader) {
      return absl::InvalidArgumentError(absl::StrCat("csv header names '", name, "' twice"));
    }
    found = index;
  }
  if (found == kNotInHeader) {
    return absl::InvalidArgumentError(
        absl::StrCat("csv header has no column '", name, "', it has ", names));
  }
  return found;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowParser>> MakeCsvParser(std::vector<SourceColumn> columns,
                                                         std::string_view header) {
  CsvSplitter splitter;
  std::vector<CsvCell> cells;
  std::string reason;
  const size_t invalid = FindInvalidUtf8(header);
  if (invalid != std::string_view::npos) reason = absl::StrCat("invalid UTF-8 at byte ", invalid);
  if (!reason.empty() || !splitter.Split(header, cells, reason)) {
    return absl::InvalidArgumentError(absl::StrCat("csv header: ", reason));
  }
  std::vector<size_t> cell_of_column;
  for (const SourceColumn& column : columns) {
    ASSIGN_OR_RETURN(const size_t cell, FindInHeader(column, cells));
    cell_of_column.push_back(cell);
  }
  return std::make_unique<CsvParser>(std::move(columns), std::move(cell_of_column), cells.size());
}

}  // namespace streamml::connectors
