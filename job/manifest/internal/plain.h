// What YAML 1.1, which kubectl reads, takes a text without quotes for.
#pragma once

#include <string_view>

namespace streamml::manifest::internal {

enum class PlainKind { kText, kNull, kBoolean, kNumber };

PlainKind ClassifyPlain(std::string_view text);

}  // namespace streamml::manifest::internal
