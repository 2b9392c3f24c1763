#include "job/manifest/internal/allowed.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "base/status.h"
#include "job/manifest/internal/form.h"

namespace streamml::manifest::internal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

bool IsBuilt(const FieldDescriptor& field) {
  const Rule& rule = RuleOf(field);
  return rule.not_built().empty() || !rule.built().empty();
}

// Those of `names` that are fields with at least one value that is built; all if there is none.
std::vector<std::string> BuiltFields(const Descriptor& descriptor,
                                     const std::vector<std::string>& names) {
  std::vector<std::string> built;
  for (const std::string& name : names) {
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const FieldDescriptor& field = *descriptor.field(i);
      if (field.json_name() == name && IsBuilt(field)) built.push_back(name);
    }
  }
  return built.empty() ? names : built;
}

}  // namespace

std::vector<std::string> FieldNames(const Descriptor& descriptor) {
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(descriptor.field_count()));
  for (int i = 0; i < descriptor.field_count(); ++i) {
    names.push_back(descriptor.field(i)->json_name());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string AllowedFields(const Descriptor& descriptor) {
  return absl::StrJoin(BuiltFields(descriptor, FieldNames(descriptor)), ", ");
}

std::string AllowedWords(const Rule& rule) {
  std::vector<std::string> allowed;
  std::vector<std::string> not_built;
  for (const std::string& word : rule.one_of()) {
    const bool is_built =
        rule.built().empty() ||
        std::find(rule.built().begin(), rule.built().end(), word) != rule.built().end();
    (is_built ? allowed : not_built).push_back(word);
  }
  return absl::StrCat("allowed ", allowed.size() == 1 ? "is " : "are ",
                      absl::StrJoin(allowed, ", "),
                      not_built.empty() ? "" : "; not built yet: ", absl::StrJoin(not_built, ", "));
}

std::string ExactlyOneOf(const Descriptor& descriptor, const std::vector<std::string>& choices,
                         const std::vector<std::string>& given) {
  if (!given.empty()) {
    return absl::StrCat("exactly one of ", absl::StrJoin(choices, ", "), " must be given; got ",
                        absl::StrJoin(given, " and "));
  }
  const std::vector<std::string> built = BuiltFields(descriptor, choices);
  if (built.size() == 1) return absl::StrCat("field '", built.front(), "' is missing");
  return absl::StrCat("exactly one of ", absl::StrJoin(built, ", "), " must be given; got none");
}

}  // namespace streamml::manifest::internal
