// Lower and upper case of UTF-8 text by Unicode's simple, one-to-one mappings, from a table of our
// own: the same on every machine, whatever its locales. As PostgreSQL's built-in C.UTF-8 does.
#pragma once

#include <string>
#include <string_view>

namespace streamml::operators::internal {

// `out` is overwritten. Bytes that are not UTF-8 stay as they are.
void ToLower(std::string_view text, std::string& out);
void ToUpper(std::string_view text, std::string& out);

}  // namespace streamml::operators::internal
