#include "job/manifest/internal/defaults.h"

#include <algorithm>
#include <vector>

#include "absl/log/check.h"
#include "absl/strings/numbers.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "job/manifest/internal/form.h"

namespace streamml::manifest::internal {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Markers and transactions grow with lanes squared.
constexpr int kMaxDefaultLanes = 16;

void SetDefault(const FieldDescriptor& field, const std::string& text, Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      reflection.MutableMessage(&message, &field);
      return;
    case FieldDescriptor::CPPTYPE_STRING:
      reflection.SetString(&message, &field, text);
      return;
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value = 0;
      CHECK(absl::SimpleAtoi(text, &value)) << field.full_name();
      reflection.SetInt32(&message, &field, value);
      return;
    }
    default:
      CHECK(false) << "no defaults for fields of the type of " << field.full_name();
  }
}

void FillRules(Message& message) {
  const google::protobuf::Descriptor& descriptor = *message.GetDescriptor();
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (&descriptor == google::protobuf::Struct::descriptor()) return;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (field.is_map()) continue;
    const bool is_message = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field.is_repeated()) {
      for (int j = 0; is_message && j < reflection.FieldSize(message, &field); ++j) {
        FillRules(*reflection.MutableRepeatedMessage(&message, &field, j));
      }
      continue;
    }
    const std::string& text = RuleOf(field).default_value();
    if (!text.empty() && !reflection.HasField(message, &field)) SetDefault(field, text, message);
    if (is_message && reflection.HasField(message, &field)) {
      FillRules(*reflection.MutableMessage(&message, &field));
    }
  }
}

}  // namespace

void FillDefaults(job::v1::StreamMLJob& job) {
  FillRules(job);
  job::v1::JobSpec& spec = *job.mutable_spec();
  if (!spec.workers().has_lanes()) {
    spec.mutable_workers()->set_lanes(std::min(spec.log().partitions(), kMaxDefaultLanes));
  }
}

}  // namespace streamml::manifest::internal
