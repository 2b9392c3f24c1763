#include "tests/oracles/json.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace streamml::oracles {

using google::protobuf::Value;

absl::StatusOr<Json> Json::Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("oracle ", path, ": cannot be opened"));
  std::stringstream text;
  text << file.rdbuf();
  auto document = std::make_shared<Value>();
  const auto status = google::protobuf::util::JsonStringToMessage(text.str(), document.get());
  if (!status.ok()) {
    return absl::DataLossError(absl::StrCat("oracle ", path, ": ", status.ToString()));
  }
  const Value* value = document.get();
  return Json(std::move(document), value);
}

Json Json::operator[](std::string_view key) const {
  if (value_ == nullptr || !value_->has_struct_value()) return Json(document_, nullptr);
  const auto& fields = value_->struct_value().fields();
  const auto it = fields.find(std::string(key));
  return Json(document_, it == fields.end() ? nullptr : &it->second);
}

bool Json::is_null() const { return value_ == nullptr || value_->has_null_value(); }
bool Json::is_number() const { return value_ != nullptr && value_->has_number_value(); }

std::optional<double> Json::number() const {
  if (!is_number()) return std::nullopt;
  return value_->number_value();
}

std::string Json::text() const { return value_ == nullptr ? "" : value_->string_value(); }

std::vector<std::pair<std::string, Json>> Json::members() const {
  std::vector<std::pair<std::string, Json>> result;
  if (value_ == nullptr || !value_->has_struct_value()) return result;
  for (const auto& [key, value] : value_->struct_value().fields()) {
    result.emplace_back(key, Json(document_, &value));
  }
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return result;
}

std::vector<Json> Json::elements() const {
  std::vector<Json> result;
  if (value_ == nullptr || !value_->has_list_value()) return result;
  for (const Value& value : value_->list_value().values()) {
    result.push_back(Json(document_, &value));
  }
  return result;
}

}  // namespace streamml::oracles
