// Fields of extract and date_trunc by name.
#pragma once

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "worker/sql/expression.h"
#include "worker/sql/internal/tree.h"

namespace streamml::sql::internal {

// The field of that name (PostgreSQL's plurals and abbreviations too), or nullopt. extract and
// date_part take all of them.
std::optional<TimeField> FindTimeField(std::string_view name);
// "hour"; the name in plan texts.
std::string_view TimeFieldName(TimeField field);

// The first argument of extract, date_part or date_trunc: a constant name of a field that the
// function takes. Refused at its place otherwise.
absl::StatusOr<TimeField> ReadTimeField(const Tree& node, std::string_view function);

}  // namespace streamml::sql::internal
