// abseil's string functions for std::string_view, which Debian's abseil does not take.
#pragma once

#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace streamml::sql::internal {

inline absl::string_view AbslView(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view StdView(absl::string_view text) { return {text.data(), text.size()}; }

inline std::string_view Strip(std::string_view text) {
  return StdView(absl::StripAsciiWhitespace(AbslView(text)));
}
inline std::string_view StripFront(std::string_view text) {
  return StdView(absl::StripLeadingAsciiWhitespace(AbslView(text)));
}
inline bool EqualsIgnoreCase(std::string_view left, std::string_view right) {
  return absl::EqualsIgnoreCase(AbslView(left), AbslView(right));
}
inline bool StartsWithIgnoreCase(std::string_view text, std::string_view prefix) {
  return absl::StartsWithIgnoreCase(AbslView(text), AbslView(prefix));
}
inline std::string ToLower(std::string_view text) { return absl::AsciiStrToLower(AbslView(text)); }
inline bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace streamml::sql::internal
