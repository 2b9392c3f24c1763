#include "worker/data/schema.h"

#include <array>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"

namespace streamml::data {
namespace {

constexpr std::array<std::pair<std::string_view, Type>, 13> kTypeNames = {{
    {"boolean", Type::kBoolean},
    {"bool", Type::kBoolean},
    {"bigint", Type::kBigint},
    {"int8", Type::kBigint},
    {"double precision", Type::kDouble},
    {"float8", Type::kDouble},
    {"double", Type::kDouble},
    {"float", Type::kDouble},
    {"text", Type::kText},
    {"varchar", Type::kText},
    {"character varying", Type::kText},
    {"timestamp", Type::kTimestamp},
    {"timestamp without time zone", Type::kTimestamp},
}};

}  // namespace

std::string_view TypeName(Type type) {
  for (const auto& [name, named_type] : kTypeNames) {
    if (named_type == type) return name;
  }
  return "unknown type";
}

std::optional<Type> TypeFromName(std::string_view name) {
  for (const auto& [type_name, type] : kTypeNames) {
    if (type_name == name) return type;
  }
  return std::nullopt;
}

std::optional<size_t> Schema::Find(std::string_view name) const {
  for (size_t index = 0; index < fields_.size(); ++index) {
    if (fields_[index].name == name) return index;
  }
  return std::nullopt;
}

uint64_t Schema::Hash() const {
  std::string bytes;
  ByteWriter writer(bytes);
  for (const Field& field : fields_) {
    writer.Text(field.name);
    writer.U8(static_cast<uint8_t>(field.type));
  }
  return Hash64(bytes);
}

}  // namespace streamml::data
