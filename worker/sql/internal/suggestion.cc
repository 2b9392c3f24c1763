#include "worker/sql/internal/suggestion.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status.h"
#include "worker/sql/internal/text.h"

namespace streamml::sql::internal {
namespace {

constexpr size_t kLongestName = 64;  // bounds the work; longer names get no suggestion

// Words of PostgreSQL's grammar that a column may be called only in quotes. The rest of its reserved
// words may be quoted without harm too.
constexpr std::array kReserved = {
    "all",      "analyse", "analyze", "and",     "any",    "array",   "as",      "asc",     "both",
    "case",     "cast",    "check",   "collate", "column", "create",  "default", "desc",    "distinct",
    "do",       "else",    "end",     "except",  "false",  "fetch",   "for",     "foreign", "from",
    "grant",    "group",   "having",  "in",      "into",   "lateral", "leading", "limit",   "not",
    "null",     "offset",  "on",      "only",    "or",     "order",   "primary", "select",  "some",
    "table",    "then",    "to",      "true",    "union",  "unique",  "user",    "using",   "when",
    "where",    "window",  "with",    "between", "coalesce", "exists", "extract", "greatest", "least",
    "nullif",   "row",     "substring", "trim",  "values", "initially", "deferrable", "references",
    "symmetric", "asymmetric", "trailing", "variadic", "localtime", "localtimestamp", "intersect",
    "placing",  "returning", "constraint", "current_date", "current_time", "current_timestamp",
    "current_user", "current_role", "current_catalog", "session_user", "system_user", "interval",
    "timestamp", "time",   "int",     "integer", "bigint", "smallint", "real", "float", "decimal",
    "numeric",  "boolean", "bit",     "char",    "character", "varchar", "national", "nchar", "dec",
    "setof",    "none",    "grouping", "normalize", "overlay", "position", "treat", "out", "inout",
    "precision", "authorization", "binary", "collation", "concurrently", "cross", "current_schema",
    "freeze",   "full",    "ilike",   "inner",   "is",     "isnull",  "join",    "left",    "like",
    "natural",  "notnull", "outer",   "overlaps", "right", "similar", "tablesample", "verbose",
    "json",     "json_array", "json_arrayagg", "json_exists", "json_object", "json_objectagg",
    "json_query", "json_scalar", "json_serialize", "json_table", "json_value", "merge_action",
    "xmlattributes", "xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse",
    "xmlpi",    "xmlroot", "xmlserialize", "xmltable"};

// Levenshtein distance, one row of the table at a time.
size_t Distance(std::string_view left, std::string_view right) {
  std::vector<size_t> row(right.size() + 1);
  for (size_t j = 0; j <= right.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= left.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= right.size(); ++j) {
      const size_t replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

bool IsPlain(std::string_view name) {
  if (name.empty() || absl::ascii_isdigit(name.front())) return false;
  for (const char c : name) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '_') return false;
  }
  return std::find(kReserved.begin(), kReserved.end(), name) == kReserved.end();
}

}  // namespace

std::string DidYouMean(std::string_view seen, const std::vector<std::string>& candidates) {
  if (seen.size() > kLongestName) return "";
  const std::string lower = ToLower(seen);
  const std::string* best = nullptr;
  size_t least = std::max<size_t>(1, seen.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongestName) continue;
    const size_t distance = Distance(lower, ToLower(candidate));
    if (distance >= least) continue;
    least = distance;
    best = &candidate;
  }
  return best == nullptr ? "" : absl::StrCat("; did you mean ", QuoteName(*best), "?");
}

std::string QuoteName(std::string_view name) {
  if (IsPlain(name)) return std::string(name);
  return absl::StrCat("\"", absl::StrReplaceAll(AbslView(name), {{"\"", "\"\""}}), "\"");
}

}  // namespace streamml::sql::internal
