#include "worker/sql/internal/suggestion.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status.h"
#include "base/wording.h"
#include "worker/sql/internal/text.h"

namespace streamml::sql::internal {
namespace {

// Words of PostgreSQL's grammar that a column may be called only in quotes. The rest of its
// reserved words may be quoted without harm too.
constexpr std::string_view kReserved =
    " all analyse analyze and any array as asc asymmetric authorization between bigint "
    "binary bit boolean both case cast char character check coalesce collate collation "
    "column concurrently constraint create cross current_catalog current_date current_role "
    "current_schema current_time current_timestamp current_user dec decimal default "
    "deferrable desc distinct do else end except exists extract false fetch float for "
    "foreign freeze from full grant greatest group grouping having ilike in initially inner "
    "inout int integer intersect interval into is isnull join json json_array json_arrayagg "
    "json_exists json_object json_objectagg json_query json_scalar json_serialize json_table "
    "json_value lateral leading least left like limit localtime localtimestamp merge_action "
    "national natural nchar none normalize not notnull null nullif numeric offset on only or "
    "order out outer overlaps overlay placing position precision primary real references "
    "returning right row select session_user setof similar smallint some substring symmetric "
    "system_user table tablesample then time timestamp to trailing treat trim true union "
    "unique user using values varchar variadic verbose when where window with xmlattributes "
    "xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot "
    "xmlserialize xmltable ";

bool IsPlain(std::string_view name) {
  if (name.empty() || absl::ascii_isdigit(name.front())) return false;
  for (const char c : name) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '_') return false;
  }
  return !Contains(kReserved, absl::StrCat(" ", name, " "));
}

}  // namespace

std::string DidYouMean(std::string_view seen, const std::vector<std::string>& candidates) {
  const std::string* nearest = Nearest(seen, candidates);
  return nearest == nullptr ? "" : absl::StrCat("; did you mean ", QuoteName(*nearest), "?");
}

std::string QuotePath(std::string_view path) {
  std::string quoted;
  while (true) {
    const size_t dot = path.find('.');
    absl::StrAppend(&quoted, quoted.empty() ? "" : ".", QuoteName(path.substr(0, dot)));
    if (dot == std::string_view::npos) return quoted;
    path.remove_prefix(dot + 1);
  }
}

std::string QuoteName(std::string_view name) {
  if (IsPlain(name)) return std::string(name);
  return absl::StrCat("\"", absl::StrReplaceAll(AbslView(name), {{"\"", "\"\""}}), "\"");
}

}  // namespace streamml::sql::internal
