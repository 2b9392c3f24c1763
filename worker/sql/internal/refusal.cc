#include "worker/sql/internal/refusal.h"

#include "worker/sql/internal/error.h"

namespace streamml::sql::internal {
namespace {

constexpr std::string_view kOneSelect = "a view is one SELECT";
constexpr std::string_view kRandom = "a row computed again must give the same value";
constexpr std::string_view kClock =
    "a row computed again must give the same value; use the event time column";
constexpr std::string_view kWindowInstead =
    "write an aggregate OVER (PARTITION BY .. ORDER BY <event time> RANGE INTERVAL '..' PRECEDING)";
constexpr std::string_view kNoDouble = "write double precision";
constexpr std::string_view kNoRegex = "write LIKE with % and _";
constexpr std::string_view kNoOrder =
    "a stream has no end to sort at; rows come in order of event time";
constexpr std::string_view kNoTrim = "trim the text before it is sent";
constexpr std::string_view kUtc = "timestamps are UTC";
constexpr std::string_view kOrOr = "write a || b, with coalesce where a NULL may come";
constexpr std::string_view kOnlyFive = "count, sum, avg, min and max are supported";

}  // namespace

const std::vector<Refusal>&
Refusals() {  // NOLINT(readability-function-size): one table, a line each
  static const auto* const table = new std::vector<Refusal>{
      {Subject::kStatement, "InsertStmt", "INSERT", kOneSelect},
      {Subject::kStatement, "UpdateStmt", "UPDATE", kOneSelect},
      {Subject::kStatement, "DeleteStmt", "DELETE", kOneSelect},
      {Subject::kStatement, "CreateStmt", "CREATE TABLE", "declare a source in the manifest"},
      {Subject::kStatement, "ViewStmt", "CREATE VIEW", "give the view's name in the manifest"},
      {Subject::kStatement, "CreateTableAsStmt", "CREATE TABLE AS",
       "give the view's name in the manifest"},
      {Subject::kStatement, "ExplainStmt", "EXPLAIN", "run streamml explain"},

      {Subject::kClause, "withClause", "WITH",
       "make each common table expression a view of its own"},
      {Subject::kClause, "valuesLists", "VALUES", "rows come from a source; bind a file to it"},
      {Subject::kClause, "intoClause", "SELECT INTO", "give the view's name in the manifest"},
      {Subject::kClause, "groupClause", "GROUP BY", kWindowInstead},
      {Subject::kClause, "havingClause", "HAVING", "filter in a view on top of this one"},
      {Subject::kClause, "distinctClause", "DISTINCT",
       "a stream has no end to compare with; leave it out"},
      {Subject::kClause, "sortClause", "ORDER BY of a query", kNoOrder},
      {Subject::kClause, "limitCount", "LIMIT",
       "a stream has no end; leave it out or filter with WHERE"},
      {Subject::kClause, "limitOffset", "OFFSET",
       "a stream has no end; leave it out or filter with WHERE"},
      {Subject::kClause, "lockingClause", "FOR UPDATE",
       "leave it out; rows of a stream never change"},
      {Subject::kClause, "SETOP_UNION", "UNION", "make a view of each half"},
      {Subject::kClause, "SETOP_INTERSECT", "INTERSECT", "filter with WHERE"},
      {Subject::kClause, "SETOP_EXCEPT", "EXCEPT", "filter with WHERE"},

      {Subject::kFrom, "JoinExpr", "JOIN", "a query reads one relation; joins are not built yet"},
      {Subject::kFrom, "RangeFunction", "a function in FROM",
       "tumble, hop and session are not built yet; use OVER with a RANGE frame"},
      {Subject::kFrom, "RangeTableSample", "TABLESAMPLE", kRandom},
      {Subject::kFrom, "RangeTableFunc", "XMLTABLE", "name one relation"},
      {Subject::kFrom, "JsonTable", "JSON_TABLE", "declare the columns of the source with path"},

      {Subject::kNode, "SubLink", "a subquery in an expression",
       "make it a view; joins are not built yet"},
      {Subject::kNode, "ParamRef", "a parameter ($1)", "write the value"},
      {Subject::kNode, "CollateClause", "COLLATE", "text compares by code point; leave it out"},
      {Subject::kNode, "A_ArrayExpr", "ARRAY[...]", "write x IN (a, b) to compare with a list"},
      {Subject::kNode, "A_Indirection", "a subscript or field of a value",
       "arrays and rows are not types here"},
      {Subject::kNode, "RowExpr", "a row (a, b)", "compare the columns one by one, joined by AND"},
      {Subject::kNode, "SQLValueFunction", "current_timestamp or a word of its kind", kClock},
      {Subject::kNode, "GroupingFunc", "GROUPING", "GROUP BY is not built yet"},
      {Subject::kNode, "NamedArgExpr", "a named argument", "write the arguments in order"},
      {Subject::kNode, "SetToDefault", "DEFAULT", "write the value"},
      {Subject::kNode, "XmlExpr", "an XML function", "XML is not a type here"},
      {Subject::kNode, "XmlSerialize", "XMLSERIALIZE", "XML is not a type here"},
      {Subject::kNode, "JsonIsPredicate", "IS JSON", "declare the columns of the source with path"},
      {Subject::kNode, "JsonFuncExpr", "a JSON function",
       "declare the columns of the source with path"},
      {Subject::kNode, "JsonObjectConstructor", "JSON_OBJECT",
       "a json sink writes rows as objects"},
      {Subject::kNode, "JsonArrayConstructor", "JSON_ARRAY", "a json sink writes rows as objects"},
      {Subject::kNode, "MergeSupportFunc", "MERGE_ACTION", kOneSelect},

      {Subject::kExpression, "AEXPR_OP_ANY", "an operator with ANY (...)",
       "write x IN (a, b), or comparisons joined by OR"},
      {Subject::kExpression, "AEXPR_OP_ALL", "an operator with ALL (...)",
       "write comparisons joined by AND"},
      {Subject::kExpression, "AEXPR_ILIKE", "ILIKE", "write lower(x) LIKE '...'"},
      {Subject::kExpression, "AEXPR_SIMILAR", "SIMILAR TO", kNoRegex},
      {Subject::kExpression, "AEXPR_BETWEEN_SYM", "BETWEEN SYMMETRIC",
       "write x BETWEEN least(a, b) AND greatest(a, b)"},
      {Subject::kExpression, "AEXPR_NOT_BETWEEN_SYM", "NOT BETWEEN SYMMETRIC",
       "write x NOT BETWEEN least(a, b) AND greatest(a, b)"},

      {Subject::kOperator, "~", "the regular expression operator ~", kNoRegex},
      {Subject::kOperator, "~*", "the regular expression operator ~*", kNoRegex},
      {Subject::kOperator, "!~", "the regular expression operator !~", kNoRegex},
      {Subject::kOperator, "!~*", "the regular expression operator !~*", kNoRegex},
      {Subject::kOperator, "@", "the operator @", "write abs(x)"},
      {Subject::kOperator, "|/", "the operator |/", "write sqrt(x)"},
      {Subject::kOperator, "||/", "the operator ||/", "write power(x, 1.0 / 3)"},
      {Subject::kOperator, "->", "the operator ->", "declare the columns of the source with path"},
      {Subject::kOperator, "->>", "the operator ->>",
       "declare the columns of the source with path"},

      {Subject::kFunction, "now", "now()", kClock},
      {Subject::kFunction, "clock_timestamp", "clock_timestamp()", kClock},
      {Subject::kFunction, "statement_timestamp", "statement_timestamp()", kClock},
      {Subject::kFunction, "transaction_timestamp", "transaction_timestamp()", kClock},
      {Subject::kFunction, "timeofday", "timeofday()", kClock},
      {Subject::kFunction, "age", "age()", "write extract(epoch FROM a) - extract(epoch FROM b)"},
      {Subject::kFunction, "random", "random()", kRandom},
      {Subject::kFunction, "random_normal", "random_normal()", kRandom},
      {Subject::kFunction, "setseed", "setseed()", kRandom},
      {Subject::kFunction, "gen_random_uuid", "gen_random_uuid()", kRandom},
      {Subject::kFunction, "nextval", "nextval()", kRandom},
      {Subject::kFunction, "timezone", "AT TIME ZONE", kUtc},
      // What PostgreSQL's grammar makes of trim(x), and of its LEADING and TRAILING.
      {Subject::kFunction, "btrim", "trim()", kNoTrim},
      {Subject::kFunction, "ltrim", "trim(LEADING ..)", kNoTrim},
      {Subject::kFunction, "rtrim", "trim(TRAILING ..)", kNoTrim},
      {Subject::kFunction, "like_escape", "LIKE ... ESCAPE", "write a backslash before % or _"},
      {Subject::kFunction, "trunc", "trunc()",
       "write CASE WHEN x < 0 THEN ceil(x) ELSE floor(x) END"},
      {Subject::kFunction, "concat", "concat()", kOrOr},
      {Subject::kFunction, "concat_ws", "concat_ws()", kOrOr},
      {Subject::kFunction, "to_timestamp", "to_timestamp()",
       "declare the column as timestamp with a unit"},
      {Subject::kFunction, "to_char", "to_char()",
       "write CAST(x AS text) or extract(field FROM x)"},
      {Subject::kFunction, "to_number", "to_number()", "write CAST(x AS double precision)"},
      {Subject::kFunction, "stddev", "stddev()", kOnlyFive},
      {Subject::kFunction, "stddev_samp", "stddev_samp()", kOnlyFive},
      {Subject::kFunction, "stddev_pop", "stddev_pop()", kOnlyFive},
      {Subject::kFunction, "variance", "variance()", kOnlyFive},
      {Subject::kFunction, "var_samp", "var_samp()", kOnlyFive},
      {Subject::kFunction, "var_pop", "var_pop()", kOnlyFive},
      {Subject::kFunction, "bool_and", "bool_and()", "write min(CAST(x AS bigint)) = 1"},
      {Subject::kFunction, "bool_or", "bool_or()", "write max(CAST(x AS bigint)) = 1"},
      {Subject::kFunction, "every", "every()", "write min(CAST(x AS bigint)) = 1"},
      {Subject::kFunction, "array_agg", "array_agg()", kOnlyFive},
      {Subject::kFunction, "string_agg", "string_agg()", kOnlyFive},
      {Subject::kFunction, "row_number", "row_number()", "count(*) over a RANGE frame counts rows"},
      {Subject::kFunction, "rank", "rank()", kOnlyFive},
      {Subject::kFunction, "dense_rank", "dense_rank()", kOnlyFive},
      {Subject::kFunction, "percent_rank", "percent_rank()", kOnlyFive},
      {Subject::kFunction, "cume_dist", "cume_dist()", kOnlyFive},
      {Subject::kFunction, "ntile", "ntile()", kOnlyFive},
      {Subject::kFunction, "lag", "lag()", kOnlyFive},
      {Subject::kFunction, "lead", "lead()", "a stream does not know its next row"},
      {Subject::kFunction, "first_value", "first_value()", kOnlyFive},
      {Subject::kFunction, "last_value", "last_value()", kOnlyFive},
      {Subject::kFunction, "nth_value", "nth_value()", kOnlyFive},
      {Subject::kFunction, "generate_series", "generate_series()", "rows come from a source"},
      {Subject::kFunction, "unnest", "unnest()", "arrays are not a type here"},

      {Subject::kOption, "agg_distinct", "DISTINCT in an aggregate",
       "aggregate all rows of the frame"},
      {Subject::kOption, "agg_order", "ORDER BY in an aggregate",
       "the five aggregates need no order"},
      {Subject::kOption, "agg_filter", "FILTER", "aggregate CASE WHEN condition THEN x END"},
      {Subject::kOption, "agg_within_group", "WITHIN GROUP", kOnlyFive},
      {Subject::kOption, "func_variadic", "VARIADIC", "write the arguments one by one"},

      {Subject::kType, "int2", "type smallint", "write bigint"},
      {Subject::kType, "int4", "type integer", "write bigint"},
      {Subject::kType, "float4", "type real", kNoDouble},
      {Subject::kType, "numeric", "type numeric", "it is not built yet; write double precision"},
      {Subject::kType, "money", "type money", kNoDouble},
      {Subject::kType, "varchar", "type varchar", "write text"},
      {Subject::kType, "bpchar", "type char", "write text"},
      {Subject::kType, "name", "type name", "write text"},
      {Subject::kType, "uuid", "type uuid", "write text"},
      {Subject::kType, "bytea", "type bytea", "write text"},
      {Subject::kType, "timestamptz", "type timestamp with time zone",
       "write timestamp; timestamps are UTC"},
      {Subject::kType, "date", "type date", "write timestamp, or date_trunc('day', x)"},
      {Subject::kType, "time", "type time", "write extract(field FROM x)"},
      {Subject::kType, "timetz", "type time with time zone", "write extract(field FROM x)"},
      {Subject::kType, "json", "type json", "declare the columns of the source with path"},
      {Subject::kType, "jsonb", "type jsonb", "declare the columns of the source with path"},
      {Subject::kType, "bit", "type bit", "write bigint"},
      {Subject::kType, "varbit", "type bit varying", "write bigint"},
  };
  return *table;
}

const Refusal* FindRefusal(Subject subject, std::string_view key) {
  for (const Refusal& refusal : Refusals()) {
    if (refusal.subject == subject && refusal.key == key) return &refusal;
  }
  return nullptr;
}

absl::Status Refuse(const Refusal& refusal, int position) {
  return ErrorAt(position, refusal.what, " is not supported: ", refusal.instead);
}

}  // namespace streamml::sql::internal
