#include "base/at_field.h"

#include "absl/strings/cord.h"
#include "base/status.h"

namespace streamml {
namespace {

constexpr absl::string_view kFieldPayload = "streamml.dev/field";

}  // namespace

absl::Status AtField(absl::Status status, std::string_view field) {
  if (status.ok()) return status;
  const std::string inner = FieldOf(status);
  const std::string_view dot = inner.empty() || inner.front() == '[' ? "" : ".";
  status.SetPayload(kFieldPayload, absl::Cord(absl::StrCat(field, dot, inner)));
  return status;
}

std::string FieldOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kFieldPayload);
  return payload.has_value() ? std::string(*payload) : "";
}

}  // namespace streamml
