// Finds what a manifest says that this build cannot do, by the rules in the .proto.
#include <algorithm>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/wording.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "job/manifest/internal/checker.h"
#include "job/manifest/internal/form.h"
#include "job/manifest/internal/path.h"

namespace streamml::manifest::internal {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A single value as a manifest writes it. Lists and messages have no `built` values.
std::string ValueText(const Message& message, const FieldDescriptor& field) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetInt64(message, &field));
    default:
      return reflection.GetString(message, &field);
  }
}

// The name of the entry, by the key of the list's rule; "" if it has none.
std::string EntryName(const Message& entry, const std::string& key) {
  if (key.empty()) return "";
  const FieldDescriptor* field = entry.GetDescriptor()->FindFieldByName(key);
  return field == nullptr ? "" : ValueText(entry, *field);
}

class Walk {
 public:
  explicit Walk(Checker& checker) : checker_(checker) {}

  void Visit(const Message& message, const Path& path) {
    if (message.GetDescriptor() == google::protobuf::Struct::descriptor()) return;
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      const Path field_path = path.Field(field->json_name());
      if (Reports(message, *field, field_path.named) || field->is_map()) continue;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        VisitMessages(message, *field, field_path);
      }
    }
  }

 private:
  void VisitMessages(const Message& message, const FieldDescriptor& field, const Path& path) {
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    if (!field.is_repeated()) return Visit(reflection.GetMessage(message, &field), path);
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
      Visit(entry, path.Entry(i, EntryName(entry, RuleOf(field).key())));
    }
  }

  // True if the field was reported; then what is in it is not.
  bool Reports(const Message& message, const FieldDescriptor& field, const std::string& path) {
    const Rule& rule = RuleOf(field);
    if (rule.not_built().empty()) return false;
    if (rule.built().empty()) {
      checker_.NotBuilt(path, absl::StrCat("not built yet; ", rule.not_built()));
      return true;
    }
    const std::string value = ValueText(message, field);
    if (std::find(rule.built().begin(), rule.built().end(), value) != rule.built().end()) {
      return false;
    }
    checker_.NotBuilt(path, absl::StrCat(Quoted(value), " is not built yet; ", rule.not_built()));
    return true;
  }

  Checker& checker_;
};

}  // namespace

void CheckBuilt(const Manifest& manifest, Checker& checker) {
  Walk(checker).Visit(manifest.job, Path{});
}

}  // namespace streamml::manifest::internal
