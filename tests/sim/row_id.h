// Which row a line or record of a job's results is about.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

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

// Ids of the rows that were scored, or failed on the way, in part files by path.
inline std::multiset<std::string> ScoredIds(const std::map<std::string, std::string>& files) {
  std::multiset<std::string> ids;
  for (const auto& [path, content] : files) {
    const std::string sink = path.substr(0, path.rfind('/'));
    if (sink != "data/scores" && sink != "data/features.dead") continue;
    for (const absl::string_view line : absl::StrSplit(content, '\n', absl::SkipEmpty())) {
      ids.insert(RowId({line.data(), line.size()}));
    }
  }
  return ids;
}

}  // namespace streamml::sim
