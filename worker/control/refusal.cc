#include "worker/control/refusal.h"

#include "absl/strings/cord.h"

namespace streamml::control {
namespace {
constexpr const char* kUrl = "type.googleapis.com/streamml.fleet.v1.Refusal";
}  // namespace

absl::Status Refuse(absl::StatusCode code, fleet::v1::Refusal::Reason reason, uint64_t epoch,
                    const std::string& message) {
  absl::Status status(code, message);
  fleet::v1::Refusal refusal;
  refusal.set_reason(reason);
  refusal.set_epoch(epoch);
  status.SetPayload(kUrl, absl::Cord(refusal.SerializeAsString()));
  return status;
}

std::optional<fleet::v1::Refusal> RefusalOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kUrl);
  fleet::v1::Refusal refusal;
  if (!payload.has_value() || !refusal.ParseFromString(std::string(*payload))) return std::nullopt;
  return refusal;
}

}  // namespace streamml::control
