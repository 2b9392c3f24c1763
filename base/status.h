// Macros and small helpers around absl::Status. Error texts follow docs/style: where, what, the
// value seen, what was allowed; lower case, no full stop.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#ifndef ABSL_USES_STD_STRING_VIEW
// Debian's abseil is built with a string_view of its own, which std::string_view does not convert
// to. This lets absl::StrCat, StrAppend, CHECK and LOG take std::string_view; the message of a
// status must still be a std::string. Found by argument-dependent lookup, hence in the namespaces
// of the sinks.
#define STREAMML_STRINGIFY_STD_STRING_VIEW                                     \
  template <typename Sink, typename Text,                                      \
            std::enable_if_t<std::is_same_v<Text, std::string_view>, int> = 0> \
  void AbslStringify(Sink& sink, const Text& text) {                           \
    sink.Append(absl::string_view(text.data(), text.size()));                  \
  }
namespace absl {
ABSL_NAMESPACE_BEGIN
namespace strings_internal {
STREAMML_STRINGIFY_STD_STRING_VIEW
}  // namespace strings_internal
namespace log_internal {
STREAMML_STRINGIFY_STD_STRING_VIEW
}  // namespace log_internal
ABSL_NAMESPACE_END
}  // namespace absl
#endif

namespace streamml {

// The same status with `context` and ": " before its message; OK stays OK. Payloads are kept.
inline absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status result(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&result](absl::string_view url, const absl::Cord& payload) {
    result.SetPayload(url, payload);
  });
  return result;
}

}  // namespace streamml

#define STREAMML_CONCAT_INNER(a, b) a##b
#define STREAMML_CONCAT(a, b) STREAMML_CONCAT_INNER(a, b)

// Returns from the calling function if `expression` is not OK.
#define RETURN_IF_ERROR(expression)                                           \
  do {                                                                        \
    if (absl::Status streamml_status = (expression); !streamml_status.ok()) { \
      return streamml_status;                                                 \
    }                                                                         \
  } while (false)

// Assigns the value of a StatusOr to `declaration`, or returns its error.
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_INNER(STREAMML_CONCAT(streamml_statusor_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_INNER(name, declaration, expression) \
  auto name = (expression);                                   \
  if (!name.ok()) return std::move(name).status();            \
  declaration = *std::move(name)
