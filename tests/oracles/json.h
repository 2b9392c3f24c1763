// Oracle files: JSON read with protobuf's own parser.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace google::protobuf {
class Value;
}

namespace streamml::oracles {

// A JSON value; cheap to copy, keeps the whole document alive. What is missing reads as null.
class Json {
 public:
  static absl::StatusOr<Json> Load(const std::string& path);

  Json operator[](std::string_view key) const;
  bool is_null() const;
  bool is_number() const;
  std::optional<double> number() const;                       // nullopt unless a number
  std::string text() const;                                   // "" unless a text
  std::vector<std::pair<std::string, Json>> members() const;  // sorted by key
  std::vector<Json> elements() const;

 private:
  Json(std::shared_ptr<const void> document, const google::protobuf::Value* value)
      : document_(std::move(document)), value_(value) {}

  std::shared_ptr<const void> document_;  // shared by all values of a document
  const google::protobuf::Value* value_;  // null: missing
};

}  // namespace streamml::oracles
