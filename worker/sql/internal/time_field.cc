#include "worker/sql/internal/time_field.h"

#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "worker/sql/internal/error.h"
#include "worker/sql/internal/text.h"

namespace streamml::sql::internal {
namespace {

struct Entry {
  TimeField field;
  bool can_truncate;
  std::string_view names;  // the first is the one we print
};
constexpr std::array kEntries = std::to_array<Entry>({
    {TimeField::kMicroseconds, true, "microseconds microsecond us usec usecs useconds microsecon"},
    {TimeField::kMilliseconds, true, "milliseconds millisecond ms msec msecs mseconds millisecon"},
    {TimeField::kSecond, true, "second seconds s sec secs"},
    {TimeField::kMinute, true, "minute minutes m min mins"},
    {TimeField::kHour, true, "hour hours h hr hrs"},
    {TimeField::kDay, true, "day days d"},
    {TimeField::kDayOfWeek, false, "dow"},
    {TimeField::kIsoDayOfWeek, false, "isodow"},
    {TimeField::kDayOfYear, false, "doy"},
    {TimeField::kWeek, true, "week weeks w"},
    {TimeField::kMonth, true, "month months mon mons"},
    {TimeField::kQuarter, true, "quarter qtr"},
    {TimeField::kYear, true, "year years y yr yrs"},
    {TimeField::kEpoch, false, "epoch"},
});

const Entry& EntryOf(TimeField field) {
  for (const Entry& entry : kEntries) {
    if (entry.field == field) return entry;
  }
  return kEntries[0];
}

std::string FieldNames(bool only_truncatable) {
  std::vector<std::string> names;
  for (const Entry& entry : kEntries) {
    if (entry.can_truncate || !only_truncatable)
      names.emplace_back(entry.names.substr(0, entry.names.find(' ')));
  }
  return absl::StrJoin(names, ", ");
}

}  // namespace

std::optional<TimeField> FindTimeField(std::string_view name) {
  for (const Entry& entry : kEntries) {
    for (const absl::string_view known : absl::StrSplit(AbslView(entry.names), ' ')) {
      if (absl::EqualsIgnoreCase(known, AbslView(name))) return entry.field;
    }
  }
  return std::nullopt;
}

std::string_view TimeFieldName(TimeField field) {
  const std::string_view names = EntryOf(field).names;
  return names.substr(0, names.find(' '));
}

absl::StatusOr<TimeField> ReadTimeField(const Tree& node, std::string_view function) {
  const bool truncate = function == "date_trunc";
  const Tree& text = node["A_Const"]["sval"];
  if (!text.present()) {
    return ErrorAt(node.Position(), "the field of ", function, " must be a constant; it is one of ",
                   FieldNames(truncate));
  }
  const std::string& name = text["sval"].text();
  const std::optional<TimeField> field = FindTimeField(name);
  if (field.has_value() && (!truncate || EntryOf(*field).can_truncate)) return *field;
  return ErrorAt(node.Position(), "unknown field '", name, "' of ", function, "; it is one of ",
                 FieldNames(truncate));
}

}  // namespace streamml::sql::internal
