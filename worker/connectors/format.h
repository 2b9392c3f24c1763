// Formats of records: from the bytes of one record to the values of one row, or a reason why not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/data/batch.h"
#include "worker/data/time_text.h"

namespace streamml::connectors {

enum class FileFormat : uint8_t { kJson = 1, kCsv = 2 };

// What a record of a topic says besides its value.
enum class Metadata : uint8_t {
  kNone,       // the column is read from the value
  kKey,        // text; NULL without a key
  kHeader,     // text; the last header of the name in `path`; NULL without one
  kTimestamp,  // as the producer or the broker set it
  kPartition,
  kOffset,
  kTombstone,  // boolean: the record has no value, and all columns that are read from it are NULL
};

// One column of a source, in the order of the source's schema.
struct SourceColumn {
  std::string name;
  data::Type type = data::Type::kText;
  // Where the value stands. JSON: a top-level key, a JSON Pointer (RFC 6901) "/a/b/0", or "$.a.b".
  // CSV: the name in the header line. Empty means the column's name (taken literally).
  std::string path;
  // For kTimestamp only: the column is a number of these units. Without it, it is ISO 8601 text.
  std::optional<data::TimeUnit> unit;
  Metadata metadata = Metadata::kNone;
};

// One value of a row. `text` points into the record or the parser, until the next Parse().
struct Cell {
  data::Mark mark = data::Mark::kNull;
  bool boolean = false;
  int64_t integer = 0;  // kBigint, kTimestamp
  double number = 0;
  std::string_view text;
};
using Row = std::vector<Cell>;

// Parses records of one source. Keeps buffers between records: one object per thread. No allocation
// per record once the buffers have grown.
class RowParser {
 public:
  // Bytes that must be readable (with any content) behind each record.
  static constexpr size_t kPadding = 64;

  virtual ~RowParser() = default;
  // Sets `row` to one cell per column and returns true, or sets `reason` and returns false: what is
  // wrong, and the column or the byte within the record. `row` is then unspecified.
  virtual bool Parse(std::string_view record, Row& row, std::string& reason) = 0;
  // Whether an empty line is a record, or nothing.
  virtual bool takes_empty_lines() const { return false; }
};

// JSON (RFC 8259), one object per record, checked whole, also where no column reads. A missing key,
// JSON null, and a missing or null object on the way to a path are NULL; another value on the way,
// also an array where the path has a key, fails. Of equal keys the last counts, as in PostgreSQL's
// jsonb. Types are strict: a string never becomes a number, nor a number a text; bigint takes whole
// numbers, also written 1.0 or 1e3; numbers that do not fit the type fail, for double precision
// also those too small for it. A text with U+0000 fails. Nesting is limited to kMaxJsonDepth.
// INVALID_ARGUMENT for a path that cannot be, or two columns with overlapping paths.
inline constexpr int kMaxJsonDepth = 100;
absl::StatusOr<std::unique_ptr<RowParser>> MakeJsonParser(std::vector<SourceColumn> columns);

// CSV (RFC 4180) with the columns named by `header`, the first record of the file. An empty cell is
// NULL, a quoted empty cell is the empty text and NULL for other types; a file with one column has
// NULL in an empty line, as for PostgreSQL's COPY. Quotes inside an unquoted
// cell, text behind a closing quote and a wrong number of cells fail. boolean: true, false, t, f,
// 1, 0 in any case; numbers as in number_text.h; a text with U+0000 fails. INVALID_ARGUMENT if the
// header lacks a column (names what it has) or names one twice.
absl::StatusOr<std::unique_ptr<RowParser>> MakeCsvParser(std::vector<SourceColumn> columns,
                                                         std::string_view header);

// Appends the cells to the columns of `builder`, without an origin.
void AppendRow(const Row& row, data::BatchBuilder& builder);

// Texts are those of PostgreSQL, which cannot hold U+0000; sets `reason` and returns false for one
// with it.
bool CanHold(const SourceColumn& column, std::string_view text, std::string& reason);

// "expected double precision, got string "12"": the reason of a cell of the wrong kind. `seen` is
// cut.
std::string TypeReason(const SourceColumn& column, std::string_view kind, std::string_view seen);

}  // namespace streamml::connectors
