// Types, columns' names and the shape of a relation's rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace streamml::data {

// PostgreSQL's types of the same names. Timestamps are microseconds since 1970-01-01 00:00 UTC.
enum class Type : uint8_t { kBoolean = 1, kBigint = 2, kDouble = 3, kText = 4, kTimestamp = 5 };

// "boolean", "bigint", "double precision", "text", "timestamp": as errors and `explain` print them.
std::string_view TypeName(Type type);
// The type of that name, or of PostgreSQL's usual synonyms (bool, int8, float8, double, varchar
// ...).
std::optional<Type> TypeFromName(std::string_view name);

struct Field {
  std::string name;
  Type type = Type::kText;
  friend bool operator==(const Field&, const Field&) = default;
};

// Field names are unique. A value type; shared between batches by shared_ptr<const Schema>.
class Schema {
 public:
  static constexpr int kNoTime = -1;

  Schema() = default;
  explicit Schema(std::vector<Field> fields, int time_column = kNoTime)
      : fields_(std::move(fields)), time_column_(time_column) {}

  size_t size() const { return fields_.size(); }
  const Field& field(size_t index) const { return fields_[index]; }
  const std::vector<Field>& fields() const { return fields_; }
  // Index of the field, or nullopt. Case matters, as in PostgreSQL with quoted names.
  std::optional<size_t> Find(std::string_view name) const;
  // The column that holds the event time of the origin, or kNoTime.
  int time_column() const { return time_column_; }
  // A number that changes whenever a name, a type or their order does. Stored with state.
  uint64_t Hash() const;

  friend bool operator==(const Schema&, const Schema&) = default;

 private:
  std::vector<Field> fields_;
  int time_column_ = kNoTime;
};

}  // namespace streamml::data
