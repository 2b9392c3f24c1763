#include "worker/sql/internal/error.h"

#include "absl/strings/numbers.h"
#include "worker/sql/analyze.h"

namespace streamml::sql {
namespace internal {
namespace {
constexpr absl::string_view kOffsetPayload = "streamml.dev/sql-offset";
constexpr absl::string_view kRelationPayload = "streamml.dev/sql-unknown-relation";
}  // namespace

absl::Status MakeError(int position, const std::string& message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kOffsetPayload, absl::Cord(absl::StrCat(position < 0 ? 0 : position)));
  return status;
}

absl::Status WithUnknownRelation(absl::Status status, const std::string& name) {
  status.SetPayload(kRelationPayload, absl::Cord(name));
  return status;
}

}  // namespace internal

int ErrorOffset(const absl::Status& status) {
  const auto payload = status.GetPayload(internal::kOffsetPayload);
  int offset = -1;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &offset)) return -1;
  return offset;
}

std::string UnknownRelation(const absl::Status& status) {
  const auto payload = status.GetPayload(internal::kRelationPayload);
  return payload.has_value() ? std::string(*payload) : "";
}

}  // namespace streamml::sql
