// The place of a value in the manifest while it is walked, in both spellings.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace streamml::manifest::internal {

struct Path {
  std::string indexed;  // spec.views[1].sql
  std::string named;    // spec.views[features].sql, as people see it

  Path Field(std::string_view name) const {
    const std::string_view dot = indexed.empty() ? "" : ".";
    return {absl::StrCat(indexed, dot, name), absl::StrCat(named, dot, name)};
  }
  // `name` may be empty: the entry is then known by its index only.
  Path Entry(size_t index, std::string_view name) const {
    const std::string number = absl::StrCat(index);
    return {absl::StrCat(indexed, "[", number, "]"),
            absl::StrCat(named, "[", name.empty() ? std::string_view(number) : name, "]")};
  }
};

}  // namespace streamml::manifest::internal
