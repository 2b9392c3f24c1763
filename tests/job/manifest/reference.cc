#include "tests/job/manifest/reference.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/struct.pb.h"
#include "job/manifest/internal/form.h"
#include "proto/streamml/job/v1/job.pb.h"

namespace streamml::manifest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

bool IsMessage(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field.is_map() &&
         field.message_type() != google::protobuf::Struct::descriptor();
}

std::string Codes(const std::vector<std::string>& words) {
  return absl::StrJoin(words, ", ", [](std::string* out, const std::string& word) {
    absl::StrAppend(out, "`", word, "`");
  });
}

std::vector<std::string> ToVector(const google::protobuf::RepeatedPtrField<std::string>& words) {
  return {words.begin(), words.end()};
}

std::string Bounds(const Rule& rule) {
  if (!rule.min().empty() && !rule.max().empty()) {
    return absl::StrCat(", ", rule.min(), " to ", rule.max());
  }
  if (!rule.min().empty()) return absl::StrCat(", at least ", rule.min());
  return rule.max().empty() ? "" : absl::StrCat(", at most ", rule.max());
}

// What a single value, or one entry of a list or map, may be.
std::string SingleValue(const FieldDescriptor& field, const Rule& rule) {
  if (!rule.one_of().empty()) return Codes(ToVector(rule.one_of()));
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return "`true`, `false`";
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat("a whole number", Bounds(rule));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "any fields";
    default:
      break;
  }
  if (rule.form() == TEXT) return "a text";
  if (rule.form() == SQL) return "SQL";
  if (rule.form() == SCALAR) return "a text, number or boolean";
  std::string form(internal::Describe(rule.form()));
  // A bound of the field's own takes the place of the form's.
  const size_t bound = rule.max().empty() ? std::string::npos : form.find(", at most ");
  if (bound != std::string::npos) form.resize(bound);
  return absl::StrCat(form, Bounds(rule));
}

std::string Value(const FieldDescriptor& field, const Rule& rule) {
  if (field.is_map()) {
    const FieldDescriptor& value = *field.message_type()->map_value();
    return absl::StrCat("names with values: ", SingleValue(value, rule));
  }
  if (field.is_repeated()) {
    const std::string most =
        rule.max_items() == 0 ? "" : absl::StrCat(", at most ", rule.max_items());
    return IsMessage(field) ? absl::StrCat("a list", most, "; see below")
                            : absl::StrCat("a list", most, ": ", SingleValue(field, rule));
  }
  return IsMessage(field) ? "fields; see below" : SingleValue(field, rule);
}

std::string Default(const Rule& rule) {
  if (rule.required()) return "**required**";
  return rule.default_value().empty() || rule.default_value() == "{}"
             ? ""
             : absl::StrCat("`", rule.default_value(), "`");
}

std::string NotBuilt(const Rule& rule) {
  if (rule.not_built().empty()) return "";
  if (rule.built().empty()) return absl::StrCat(" *Not built yet: ", rule.not_built(), ".*");
  return absl::StrCat(" *Not built yet but for ", Codes(ToVector(rule.built())), ": ",
                      rule.not_built(), ".*");
}

class Writer {
 public:
  explicit Writer(const google::protobuf::DescriptorPool& commented) : commented_(commented) {}

  // `path` is how the message is reached, `spec.sources[]`.
  void Write(const Descriptor& message, const std::string& path) {
    if (!written_.insert(message.full_name()).second) return;
    absl::StrAppend(&reference_.text, "\n## ",
                    path.empty() ? "The whole" : absl::StrCat("`", path, "`"), "\n\n");
    const std::string about = Comment(*commented_.FindMessageTypeByName(message.full_name()));
    if (!about.empty()) absl::StrAppend(&reference_.text, about, "\n\n");
    const auto& choices = message.options().GetExtension(message_rule).exactly_one_of();
    if (!choices.empty()) {
      absl::StrAppend(&reference_.text, "Exactly one of ", Codes(ToVector(choices)),
                      " is given.\n\n");
    }
    reference_.text += "| field | value | default | meaning |\n| --- | --- | --- | --- |\n";
    for (int i = 0; i < message.field_count(); ++i) WriteField(*message.field(i));
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      if (!IsMessage(field)) continue;
      Write(*field.message_type(), absl::StrCat(path, path.empty() ? "" : ".", field.json_name(),
                                                field.is_repeated() ? "[]" : ""));
    }
  }

  Reference Take() { return std::move(reference_); }

 private:
  template <typename Described>
  static std::string Comment(const Described& described) {
    google::protobuf::SourceLocation location;
    if (!described.GetSourceLocation(&location)) return "";
    std::vector<std::string> lines = absl::StrSplit(location.leading_comments, '\n');
    for (std::string& line : lines) absl::StripAsciiWhitespace(&line);
    std::string text = absl::StrJoin(lines, " ");
    absl::StripAsciiWhitespace(&text);
    return text;
  }

  void WriteField(const FieldDescriptor& field) {
    const Rule& rule = internal::RuleOf(field);
    const std::string about = Comment(*commented_.FindFieldByName(field.full_name()));
    if (about.empty()) reference_.undocumented.push_back(field.full_name());
    const std::string line = absl::StrCat("`", field.json_name(), "` | ", Value(field, rule), " | ",
                                          Default(rule), " | ", about, NotBuilt(rule));
    absl::StrAppend(&reference_.text, "| ", absl::StrReplaceAll(line, {{"<", "&lt;"}}), " |\n");
  }

  const google::protobuf::DescriptorPool& commented_;
  std::set<std::string> written_;
  Reference reference_;
};

}  // namespace

absl::StatusOr<Reference> MakeReference(std::string_view descriptors) {
  google::protobuf::FileDescriptorSet files;
  if (!files.ParseFromArray(descriptors.data(), static_cast<int>(descriptors.size()))) {
    return absl::InvalidArgumentError("not a FileDescriptorSet");
  }
  google::protobuf::DescriptorPool commented;
  for (const google::protobuf::FileDescriptorProto& file : files.file()) {
    if (commented.BuildFile(file) == nullptr) return absl::InvalidArgumentError(file.name());
  }
  Writer writer(commented);
  writer.Write(*job::v1::StreamMLJob::descriptor(), "");
  return writer.Take();
}

}  // namespace streamml::manifest
