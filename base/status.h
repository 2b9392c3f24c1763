// Macros and small helpers around absl::Status. Error texts follow docs/style: where, what, the value
// seen, what was allowed; lower case, no full stop.
#pragma once

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace streamml {

// The same status with `context` and ": " before its message; OK stays OK. Payloads are kept.
inline absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status result(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&result](std::string_view url, const absl::Cord& payload) {
    result.SetPayload(url, payload);
  });
  return result;
}

}  // namespace streamml

#define STREAMML_CONCAT_INNER(a, b) a##b
#define STREAMML_CONCAT(a, b) STREAMML_CONCAT_INNER(a, b)

// Returns from the calling function if `expression` is not OK.
#define RETURN_IF_ERROR(expression)                                                    \
  do {                                                                                 \
    if (absl::Status streamml_status = (expression); !streamml_status.ok()) {          \
      return streamml_status;                                                          \
    }                                                                                  \
  } while (false)

// Assigns the value of a StatusOr to `declaration`, or returns its error.
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_INNER(STREAMML_CONCAT(streamml_statusor_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_INNER(name, declaration, expression) \
  auto name = (expression);                                   \
  if (!name.ok()) return std::move(name).status();            \
  declaration = *std::move(name)
