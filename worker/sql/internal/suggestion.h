// "did you mean": the nearest of the known names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace streamml::sql::internal {

// "; did you mean x?" with the nearest as a name in SQL, or "".
std::string DidYouMean(std::string_view seen, const std::vector<std::string>& candidates);

// The name as it must be written in SQL: in double quotes unless it is a plain lower-case word.
std::string QuoteName(std::string_view name);
// A relation's name, whose dots stand between names: payments.dead.
std::string QuotePath(std::string_view path);

}  // namespace streamml::sql::internal
