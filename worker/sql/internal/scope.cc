#include "worker/sql/internal/scope.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "worker/sql/internal/error.h"
#include "worker/sql/internal/suggestion.h"

namespace streamml::sql::internal {
namespace {

constexpr size_t kMaxListed = 12;

std::string Join(const std::vector<std::string>& parts) {
  return absl::StrJoin(
      parts, ".", [](std::string* out, const std::string& part) { out->append(QuoteName(part)); });
}

std::vector<std::string> Names(const data::Schema& schema) {
  std::vector<std::string> names;
  for (const data::Field& field : schema.fields()) names.push_back(field.name);
  return names;
}

// "; columns are a, b, c"
std::string Listing(std::vector<std::string> names) {
  const bool all = names.size() <= kMaxListed;
  if (!all) names.resize(kMaxListed);
  for (std::string& name : names) name = QuoteName(name);
  return absl::StrCat("; columns are ", absl::StrJoin(names, ", "), all ? "" : ", ...");
}

}  // namespace

absl::Status Scope::CheckQualifier(const std::vector<std::string>& qualifier, int position) const {
  if (qualifier.empty()) return absl::OkStatus();
  if (std::find(qualifiers.begin(), qualifiers.end(), qualifier) != qualifiers.end()) {
    return absl::OkStatus();
  }
  const std::string seen = Join(qualifier);
  if (qualifiers.empty()) {
    return ErrorAt(position, "unknown relation ", seen, "; the subquery in FROM has no alias");
  }
  const std::string known = Join(qualifiers.front());
  if (qualifier.back() == hidden_name) {
    return ErrorAt(position, "relation ", seen, " is called ", known, " in this query; write ",
                   known, ".");
  }
  return ErrorAt(position, "unknown relation ", seen, "; this query reads ", known);
}

absl::StatusOr<Expression> Scope::Resolve(std::string_view name, int position) const {
  const std::optional<size_t> index = schema.Find(name);
  if (index.has_value()) return MakeColumn(*index, schema.field(*index).type, position);
  const std::vector<std::string> names = Names(schema);
  const std::string suggestion = DidYouMean(name, names);
  return ErrorAt(position, "unknown column ", QuoteName(name),
                 suggestion.empty() ? Listing(names) : suggestion);
}

ColumnName ReadColumnName(const Tree& column_ref_body) {
  ColumnName name;
  for (const Tree& field : column_ref_body["fields"].items()) {
    if (field.tag() == "A_Star") {
      name.is_star = true;
    } else {
      name.qualifier.push_back(field["String"]["sval"].text());
    }
  }
  if (!name.is_star && !name.qualifier.empty()) {
    name.column = std::move(name.qualifier.back());
    name.qualifier.pop_back();
  }
  return name;
}

}  // namespace streamml::sql::internal
