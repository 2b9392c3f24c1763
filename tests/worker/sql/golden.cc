#include "tests/worker/sql/golden.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::sql {
namespace {

using data::Type;

constexpr size_t kShownText = 16;

// The text at the error, so that a reader sees where it points without counting.
std::string Place(const std::string& sql, const absl::Status& status) {
  const int offset = ErrorOffset(status);
  if (offset < 0 || static_cast<size_t>(offset) > sql.size())
    return absl::StrCat("bad offset ", offset);
  std::string rest = sql.substr(static_cast<size_t>(offset), kShownText);
  std::replace(rest.begin(), rest.end(), '\n', ' ');
  return rest.empty() ? "the end" : absl::StrCat("`", rest, "`");
}

std::string Columns(const data::Schema& schema) {
  std::string text = "->";
  for (size_t i = 0; i < schema.size(); ++i) {
    const bool is_time = static_cast<int>(i) == schema.time_column();
    absl::StrAppend(&text, i == 0 ? " " : ", ", schema.field(i).name, " ",
                    data::TypeName(schema.field(i).type), is_time ? " event time" : "");
  }
  return text;
}

void LoadFile(const std::filesystem::path& path, std::vector<GoldenCase>& cases) {
  std::ifstream in(path);
  std::string line;
  bool in_sql = false;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.starts_with("#") || (line.empty() && !in_sql)) continue;
    const bool starts_sql = line.starts_with(">> ");
    const bool starts_result = line.starts_with("<< ");
    if (starts_sql) cases.push_back({path.filename(), number, "", ""});
    if (cases.empty() || (starts_result && !in_sql)) {
      throw std::runtime_error(absl::StrCat(path.string(), ":", number, ": expected >>"));
    }
    if (starts_sql || starts_result) in_sql = starts_sql;
    std::string& part = in_sql ? cases.back().sql : cases.back().expected;
    absl::StrAppend(&part, part.empty() ? "" : "\n", line.size() < 3 ? "" : line.substr(3));
  }
}

}  // namespace

std::vector<GoldenCase> LoadCases() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(STREAMML_SQL_CASES))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<GoldenCase> cases;
  for (const std::filesystem::path& path : paths) LoadFile(path, cases);
  return cases;
}

const Catalog& TestCatalog() {
  static const auto* const catalog = new Catalog{
      {"payments", data::Schema({{"id", Type::kText},
                                 {"card", Type::kText},
                                 {"amount", Type::kDouble},
                                 {"cents", Type::kBigint},
                                 {"at", Type::kTimestamp},
                                 {"online", Type::kBoolean}},
                                4)},
      {"payments.dead", data::Schema({{"reason", Type::kText}, {"row", Type::kBigint}})},
      {"Odd",
       data::Schema({{"select", Type::kBigint}, {"a b", Type::kText}, {"it\"s", Type::kDouble}})},
  };
  return *catalog;
}

std::string Describe(const std::string& sql, const absl::StatusOr<std::unique_ptr<Node>>& result) {
  if (!result.ok()) {
    return absl::StrCat("error at ", Place(sql, result.status()), ": ", result.status().message());
  }
  return absl::StrCat(ToString(**result), Columns((*result)->schema));
}

}  // namespace streamml::sql
