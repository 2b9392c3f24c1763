// "Did you mean": the known name nearest to a misspelt one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace streamml::learn::internal {

// " (did you mean 'alpha'?)" for the candidate within an edit distance of a third of its length (at
// least 1), the first of equals; "" when there is none.
std::string Suggestion(std::string_view seen, const std::vector<std::string>& candidates);

}  // namespace streamml::learn::internal
