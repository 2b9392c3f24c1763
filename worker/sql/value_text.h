// Values to and from text as CAST and literals do it: PostgreSQL's input and output rules on top of
// worker/data/{number,time}_text.h. Pure functions; safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/sql/expression.h"

namespace streamml::sql {

// true, false, yes, no, on, off, 1, 0 and their unique beginnings, in any case; blanks around them
// are allowed.
std::optional<bool> ParseBoolean(std::string_view text);

// What CAST(text AS type) gives; blanks around anything but text are allowed. Nullopt when the text
// is not a value of the type or is out of its range.
std::optional<Value> ParseValue(std::string_view text, data::Type type);

// What CAST(value AS text) gives; the value is not NULL and of the type.
std::string FormatValue(const Value& value, data::Type type);

}  // namespace streamml::sql
