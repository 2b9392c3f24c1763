#include "worker/lane/internal/failed_row.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/connectors/utf8.h"
#include "worker/data/json_text.h"

namespace streamml::lane::internal {
namespace {

// A byte is at most six in JSON.
constexpr size_t kMaxRowBytes = 64 << 10;
constexpr size_t kMaxReasonBytes = 4 << 10;

}  // namespace

std::string FailedRowJson(const FailedRow& row) {
  const operators::RowError& error = row.error;
  std::string line = "{\"relation\":";
  data::AppendJsonString(row.relation, line);
  line += ",\"operator\":";
  data::AppendJsonString(row.operator_name, line);
  absl::StrAppend(&line, ",\"source\":", error.origin.source,
                  ",\"partition\":", error.origin.partition, ",\"record\":", error.origin.offset);
  if (error.origin.event > 0) absl::StrAppend(&line, ",\"event\":", error.origin.event);
  line += ",\"reason\":";
  const std::string_view reason = connectors::Utf8Prefix(error.reason, kMaxReasonBytes);
  data::AppendJsonString(
      reason.size() == error.reason.size() ? error.reason : absl::StrCat(reason, "..."), line);
  line += ",\"row\":";
  const std::string_view kept = connectors::Utf8Prefix(error.row, kMaxRowBytes);
  data::AppendJsonString(kept, line);
  line += kept.size() == error.row.size() ? "}" : ",\"rowCut\":true}";
  return line;
}

}  // namespace streamml::lane::internal
