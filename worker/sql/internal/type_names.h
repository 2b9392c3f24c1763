// Names of types in CAST and literals.
#pragma once

#include "absl/status/statusor.h"
#include "worker/sql/internal/tree.h"
#include "worker/sql/internal/typing.h"

namespace streamml::sql::internal {

struct CastTarget {
  data::Type type = data::Type::kText;
  bool is_interval = false;
};

// A TypeName node's body; types that do not exist here are refused by name.
absl::StatusOr<CastTarget> ReadTypeName(const Tree& type_name, int position);

// CAST(value AS interval), which must be of a constant text.
absl::StatusOr<Typed> ReadInterval(const Typed& value, int position);

}  // namespace streamml::sql::internal
