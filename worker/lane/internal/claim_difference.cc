#include "worker/lane/internal/claim_difference.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/wording.h"
#include "proto/streamml/journal/v1/journal.pb.h"

namespace streamml::lane::internal {
namespace {

constexpr size_t kMostDifferences = 12;

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string PartDifference(const std::string& name, const std::string* then,
                           const std::string* now) {
  if (then == nullptr) return absl::StrCat(name, " is new");
  if (now == nullptr) return absl::StrCat(name, " is gone");
  if (then->starts_with('#')) return absl::StrCat(name, " is not what it was");
  return absl::StrCat(name, ": ", *then, " then, ", *now, " now");
}

void CompareParts(const LaneSpec& spec, const journal::v1::Claim& claim,
                  std::vector<std::string>& differences) {
  if (claim.parts().empty()) return;
  std::map<std::string, const std::string*> then;
  for (const journal::v1::JobPart& part : claim.parts()) then[part.name()] = &part.value();
  for (const JobPart& part : spec.parts) {  // in the order of the manifest
    const auto found = then.find(part.name);
    const std::string* old = found == then.end() ? nullptr : found->second;
    if (old == nullptr || *old != part.value) {
      differences.push_back(PartDifference(part.name, old, &part.value));
    }
    if (found != then.end()) then.erase(found);
  }
  for (const auto& [name, value] : then)
    differences.push_back(PartDifference(name, value, nullptr));
}

void CompareFiles(const LaneSpec& spec, const journal::v1::Claim& claim,
                  std::vector<std::string>& differences) {
  std::set<std::string_view> then;
  std::set<std::string_view> now;
  for (const journal::v1::FileIdentity& file : claim.files()) then.insert(FileName(file.path()));
  for (const FileIdentity& file : spec.files) now.insert(FileName(file.path));
  for (const std::string_view name : now) {
    if (!then.contains(name)) {
      differences.push_back(absl::StrCat("input file ", Quoted(name), " is new"));
    }
  }
  for (const std::string_view name : then) {
    if (!now.contains(name)) {
      differences.push_back(absl::StrCat("input file ", Quoted(name), " is gone"));
    }
  }
}

}  // namespace

std::vector<std::string> Differences(const LaneSpec& spec, const journal::v1::Claim& claim) {
  std::vector<std::string> differences;
  CompareParts(spec, claim, differences);
  CompareFiles(spec, claim, differences);
  if (differences.size() > kMostDifferences) {
    const size_t more = differences.size() - kMostDifferences + 1;
    differences.resize(kMostDifferences - 1);
    differences.push_back(absl::StrCat("and ", more, " more"));
  }
  return differences;
}

}  // namespace streamml::lane::internal
