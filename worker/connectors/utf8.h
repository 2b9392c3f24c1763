// Is it UTF-8: texts enter the engine only if they are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace streamml::connectors {

// Position of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7: no
// overlong forms, no surrogates, nothing above U+10FFFF), or npos.
size_t FindInvalidUtf8(std::string_view text);

// `text` with \xNN in place of each byte that is not part of well-formed UTF-8: what JSON and
// people are shown of paths, which may hold any bytes. UTF-8 is left as it is.
std::string ShowAsUtf8(std::string_view text);

// The longest prefix of at most `max_bytes` that does not end within a character of UTF-8.
std::string_view Utf8Prefix(std::string_view text, size_t max_bytes);

}  // namespace streamml::connectors
