// Parts of messages to people: values quoted, words that were probably meant.
#pragma once

#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace streamml {

// 'text', with control characters escaped and cut after 60 bytes.
std::string Quoted(std::string_view text);

// The word of `known` nearest to `seen`, the first of equals, or null if none is near: at most a
// third of the letters (and 3) inserted, left out, replaced or swapped with a neighbour, case
// apart. Words longer than 64 bytes are near to nothing. Points into `known`.
const std::string* Nearest(std::string_view seen, absl::Span<const std::string> known);

// "; did you mean 'x'?" with the nearest, or "".
std::string DidYouMean(std::string_view seen, absl::Span<const std::string> known);

}  // namespace streamml
