// Errors that carry their place in the SQL text.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::sql::internal {

// INVALID_ARGUMENT whose payload is `position`, a byte offset in the SQL text.
absl::Status MakeError(int position, const std::string& message);

// The error says that there is no relation `name`.
absl::Status WithUnknownRelation(absl::Status status, const std::string& name);

template <typename... Parts>
absl::Status ErrorAt(int position, const Parts&... parts) {
  return MakeError(position, absl::StrCat(parts...));
}

}  // namespace streamml::sql::internal
