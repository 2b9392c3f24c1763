// "did you mean": the nearest of the known names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace streamml::sql::internal {

// "; did you mean x?", or "" when no candidate is near: at most a third of the letters differ, case
// apart.
std::string DidYouMean(std::string_view seen, const std::vector<std::string>& candidates);

// The name as it must be written in SQL: in double quotes unless it is a plain lower-case word.
std::string QuoteName(std::string_view name);

}  // namespace streamml::sql::internal
