// Which row a line or record of a job's results is about.
#pragma once

#include <string>
#include <string_view>

#include "absl/strings/ascii.h"

namespace streamml::sim {

// The letters and digits of the first "id" in a row as JSON, also where that is a JSON string in
// turn, as in dead letters; empty when there is none.
inline std::string RowId(std::string_view json) {
  size_t begin = json.find("\"id");
  if (begin == std::string_view::npos) return "";
  begin += 3;
  while (begin < json.size() && !absl::ascii_isalnum(static_cast<unsigned char>(json[begin]))) {
    ++begin;
  }
  size_t end = begin;
  while (end < json.size() && absl::ascii_isalnum(static_cast<unsigned char>(json[end]))) ++end;
  return std::string(json.substr(begin, end - begin));
}

}  // namespace streamml::sim
