// Fields of extract and date_trunc by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/sql/expression.h"

namespace streamml::sql::internal {

// The field of that name (PostgreSQL's plurals and abbreviations too), or nullopt. extract and date_part
// take all of them.
std::optional<TimeField> FindTimeField(std::string_view name);
// Whether date_trunc takes the field.
bool CanTruncate(TimeField field);
// "hour"; the name in plan texts.
std::string_view TimeFieldName(TimeField field);
// "microseconds, milliseconds, second, ..."
std::string TimeFieldNames(bool only_truncatable);

}  // namespace streamml::sql::internal
