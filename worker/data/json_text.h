// Values as JSON. Equal values have equal bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "worker/data/column.h"

namespace streamml::data {

// Appends `text`, which is UTF-8, as a JSON string, escaped only where JSON asks for it.
void AppendJsonString(std::string_view text, std::string& out);

// Appends the value of a row. NULL is null; bigint is a JSON number also above 2^53; double is the
// shortest number that reads back (as AppendDoubleText), and the strings "NaN", "Infinity",
// "-Infinity"; timestamp is "2026-03-01T00:00:00.5Z". A failed value, which only rows of dead
// letters hold, is null.
void AppendJsonValue(const Column& column, size_t row, std::string& out);

}  // namespace streamml::data
