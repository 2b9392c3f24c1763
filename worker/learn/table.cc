#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/at_field.h"
#include "base/status.h"
#include "base/wording.h"
#include "worker/learn/algorithms/algorithms.h"
#include "worker/learn/learner.h"

namespace streamml::learn {

namespace {

std::string Join(const std::vector<std::string>& names) { return absl::StrJoin(names, ", "); }

absl::StatusOr<const LearnerEntry*> FindEntry(const std::string& name) {
  std::vector<std::string> names;
  for (const LearnerEntry& entry : LearnerTable()) {
    if (entry.name == name) return &entry;
    names.push_back(entry.name);
  }
  const absl::Status error =
      absl::InvalidArgumentError(absl::StrCat("learner ", Quoted(name), " is not known",
                                              DidYouMean(name, names), "; allowed: ", Join(names)));
  return AtField(error, "name");
}

std::string Range(const ParameterSpec& spec) {
  return absl::StrCat("a number ", spec.minimum_open ? "above " : "from ", spec.minimum, " to ",
                      spec.maximum);
}

absl::StatusOr<double> ReadValue(const LearnerEntry& entry, const ParameterSpec& spec,
                                 const std::string& text) {
  double value = 0;
  // SimpleAtod reads hexadecimal digits, too.
  const bool is_decimal = text.find_first_of("xX") == std::string::npos;
  const bool in_range = is_decimal && absl::SimpleAtod(text, &value) && std::isfinite(value) &&
                        value <= spec.maximum &&
                        (spec.minimum_open ? value > spec.minimum : value >= spec.minimum);
  if (in_range) return value;
  const absl::Status error =
      absl::InvalidArgumentError(absl::StrCat("learner '", entry.name, "': parameter '", spec.name,
                                              "' is ", Quoted(text), "; allowed: ", Range(spec)));
  return AtField(error, absl::StrCat("parameters.", spec.name));
}

absl::StatusOr<absl::btree_map<std::string, double>> ReadParameters(const LearnerEntry& entry,
                                                                    const Parameters& parameters) {
  absl::btree_map<std::string, double> values;
  std::vector<std::string> names;
  for (const ParameterSpec& spec : entry.parameters) {
    values[spec.name] = spec.default_value;
    names.push_back(spec.name);
  }
  for (const auto& [name, text] : parameters) {
    const ParameterSpec* found = nullptr;
    for (const ParameterSpec& spec : entry.parameters) {
      if (spec.name == name) found = &spec;
    }
    if (found == nullptr) {
      const absl::Status error = absl::InvalidArgumentError(
          absl::StrCat("learner '", entry.name, "' has no parameter ", Quoted(name),
                       DidYouMean(name, names), "; allowed: ", Join(names)));
      return AtField(error, absl::StrCat("parameters.", name));
    }
    ASSIGN_OR_RETURN(values[name], ReadValue(entry, *found, text));
  }
  return values;
}

}  // namespace

const std::vector<LearnerEntry>& LearnerTable() {
  static const std::vector<LearnerEntry> table = {
      FtrlEntry(),
      SgdEntry(),
  };
  return table;
}

absl::Status CheckLearner(const std::string& name, const Parameters& parameters) {
  ASSIGN_OR_RETURN(const LearnerEntry* entry, FindEntry(name));
  return ReadParameters(*entry, parameters).status();
}

absl::StatusOr<std::unique_ptr<Learner>> MakeLearner(const std::string& name,
                                                     const Parameters& parameters,
                                                     const LearnerHome& home) {
  ASSIGN_OR_RETURN(const LearnerEntry* entry, FindEntry(name));
  ASSIGN_OR_RETURN(const auto values, ReadParameters(*entry, parameters));
  return entry->make(values, home);
}

}  // namespace streamml::learn
