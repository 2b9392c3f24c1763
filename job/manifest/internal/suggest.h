// Parts of messages: values quoted, words that were probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace streamml::manifest::internal {

// 'text', with control characters escaped and cut after 60 bytes.
std::string Quoted(std::string_view text);

// "; did you mean 'x'?" for the word of `known` nearest to `word`, or "" if none is near.
std::string DidYouMean(std::string_view word, absl::Span<const std::string> known);

}  // namespace streamml::manifest::internal
