#include "worker/learn/encoder.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/at_field.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/status.h"
#include "base/wording.h"
#include "worker/data/number_text.h"
#include "worker/learn/internal/names.h"
#include "worker/learn/internal/scaler.h"

namespace streamml::learn {

namespace {

using data::Type;

constexpr std::string_view kPartSeparator = "\x1F";
constexpr std::string_view kMissingSuffix = " is missing";
constexpr int kMaxHashBits = 30;

struct Column {
  size_t index;
  Type type;
};

struct NamedColumn {
  Column column;
  std::string prefix;  // "column=", after a separator where it is not the first part
};

// A value of the spec: the name of its field, and its path from there.
struct Place {
  std::string_view field;
  std::string path = {};
};

absl::Status Invalid(const Place& place, std::string_view what) {
  return AtField(absl::InvalidArgumentError(absl::StrCat("features: ", place.field, ": ", what)),
                 absl::StrCat(place.field, place.path));
}

// The column of that name if its type is one of `allowed`.
absl::StatusOr<Column> FindColumn(const data::Schema& schema, const Place& place,
                                  const std::string& name, std::initializer_list<Type> allowed) {
  const std::optional<size_t> index = schema.Find(name);
  if (!index.has_value()) {
    std::vector<std::string> names;
    for (const data::Field& field : schema.fields()) names.push_back(field.name);
    return Invalid(place, absl::StrCat("column '", name, "' is not in the scored relation",
                                       DidYouMean(name, names),
                                       "; its columns: ", absl::StrJoin(names, ", ")));
  }
  const Type type = schema.field(*index).type;
  if (std::find(allowed.begin(), allowed.end(), type) != allowed.end()) return Column{*index, type};
  const auto print = [](std::string* out, Type t) { absl::StrAppend(out, data::TypeName(t)); };
  const std::string_view advice =
      type == Type::kTimestamp ? "; take a part of it with extract(... FROM ...) in the view" : "";
  return Invalid(place, absl::StrCat("column '", name, "' is ", data::TypeName(type),
                                     "; allowed: ", absl::StrJoin(allowed, ", ", print), advice));
}

absl::Status CheckNumbers(const FeatureSpec& spec) {
  if (spec.hash_bits < 0 || spec.hash_bits > kMaxHashBits) {
    return Invalid({"hashBits"}, absl::StrCat(spec.hash_bits,
                                              " is out of range; allowed: 0 (an exact "
                                              "dictionary) to ",
                                              kMaxHashBits));
  }
  constexpr uint64_t kMaxBound = uint64_t{1} << kMaxHashBits;
  if (spec.dictionary_bound < 1 || spec.dictionary_bound > kMaxBound) {
    return Invalid(
        {"dictionaryLimit"},
        absl::StrCat(spec.dictionary_bound, " is out of range; allowed: 1 to ", kMaxBound));
  }
  if (spec.numeric.empty() && spec.categorical.empty()) {
    return absl::InvalidArgumentError(
        "features: numeric, categorical: both are empty; name at least one column");
  }
  return absl::OkStatus();
}

uint64_t SchemaHash(const FeatureSpec& spec) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Text("features 1");
  writer.Text(internal::kNameAlgorithm);
  writer.U64(internal::kNameSeed);
  writer.U8(static_cast<uint8_t>(spec.scale));
  writer.U8(spec.missing_indicator ? 1 : 0);
  writer.Varint(static_cast<uint64_t>(spec.hash_bits));
  writer.Varint(spec.numeric.size());
  for (const std::string& name : spec.numeric) writer.Text(name);
  for (const std::vector<std::string>& columns : spec.categorical) {
    writer.Varint(columns.size());
    for (const std::string& name : columns) writer.Text(name);
  }
  return Hash64(bytes);
}

// The text of a value that is not NULL.
void AppendValue(const data::Column& column, size_t row, std::string& out) {
  switch (column.type()) {
    case Type::kBoolean:
      out.append(column.Boolean(row) ? "true" : "false");
      return;
    case Type::kBigint:
    case Type::kTimestamp:
      data::AppendBigintText(column.Integer(row), out);
      return;
    case Type::kDouble: {
      const double value = column.Double(row);
      data::AppendDoubleText(value == 0 ? 0.0 : value, out);  // -0 is 0
      return;
    }
    case Type::kText:
      out.append(column.Text(row));
      return;
  }
}

class Encoder final : public FeatureEncoder {
 public:
  Encoder(const FeatureSpec& spec, std::vector<Column> numeric,
          std::vector<std::vector<NamedColumn>> categorical, const std::string& owner,
          state::StateSet& states)
      : spec_(spec),
        numeric_(std::move(numeric)),
        categorical_(std::move(categorical)),
        schema_hash_(SchemaHash(spec)),
        first_name_(static_cast<uint32_t>(numeric_.size() * (spec.missing_indicator ? 2 : 1))),
        not_finite_({owner, "features.not_finite", schema_hash_}, states) {
    if (spec.scale == Scale::kStandard) scaler_.emplace(owner, schema_hash_, states);
    if (spec.hash_bits > 0) {
      names_ = std::make_unique<internal::HashedNames>(spec.hash_bits, spec.report_collisions,
                                                       owner, schema_hash_, states);
    } else {
      names_ = std::make_unique<internal::DictionaryNames>(spec.dictionary_bound, owner,
                                                           schema_hash_, states);
    }
  }

  Features Encode(const data::Batch& batch, size_t row) override {
    features_.clear();
    EncodeNumeric(batch, row);
    const size_t first_categorical = features_.size();
    ForEachName(batch, row, [this](std::string_view name) {
      const std::optional<uint32_t> index = names_->Find(name);
      if (index.has_value()) features_.push_back({first_name_ + *index, 1});
    });
    SortAndMerge(first_categorical);
    return features_;
  }

  bool Observe(const data::Batch& batch, size_t row) override {
    for (size_t i = 0; i < numeric_.size(); ++i) {
      const data::Column& column = batch.column(numeric_[i].index);
      if (!column.HasValue(row)) continue;
      const double x = column.AsDouble(row);
      if (!std::isfinite(x)) {
        *not_finite_.Mutable(0) += 1;
      } else if (scaler_.has_value()) {
        scaler_->Observe(i, x);
      }
    }
    bool changed = scaler_.has_value();
    ForEachName(batch, row, [&](std::string_view name) { changed |= names_->Observe(name); });
    return changed;
  }

  uint64_t schema_hash() const override { return schema_hash_; }

  std::optional<uint32_t> IndexOf(std::string_view name) const override {
    for (size_t i = 0; i < spec_.numeric.size(); ++i) {
      if (name == spec_.numeric[i]) return static_cast<uint32_t>(i);
      if (spec_.missing_indicator && name == absl::StrCat(spec_.numeric[i], kMissingSuffix)) {
        return static_cast<uint32_t>(numeric_.size() + i);
      }
    }
    if (categorical_.empty()) return std::nullopt;
    const std::optional<uint32_t> index = names_->Find(name);
    if (!index.has_value()) return std::nullopt;
    return first_name_ + *index;
  }

  Counts counts() const override {
    const internal::NameCounts names = names_->counts();
    return {.not_finite = static_cast<uint64_t>(not_finite_.Get(0)),
            .overflowed = names.overflowed,
            .occurrences = names.occurrences,
            .colliding = names.colliding};
  }

  Moments moments(size_t numeric_index) const override {
    if (!scaler_.has_value()) return {};
    return {.count = static_cast<uint64_t>(scaler_->count(numeric_index)),
            .mean = scaler_->mean(numeric_index),
            .variance = scaler_->variance(numeric_index)};
  }

 private:
  void EncodeNumeric(const data::Batch& batch, size_t row) {
    missing_.clear();
    for (size_t i = 0; i < numeric_.size(); ++i) {
      const data::Column& column = batch.column(numeric_[i].index);
      const double x = column.HasValue(row) ? column.AsDouble(row) : std::nan("");
      if (!std::isfinite(x)) {
        missing_.push_back(static_cast<uint32_t>(numeric_.size() + i));
        continue;
      }
      const double value = scaler_.has_value() ? scaler_->Transform(i, x) : x;
      features_.push_back({static_cast<uint32_t>(i), value});
    }
    if (!spec_.missing_indicator) return;
    for (const uint32_t index : missing_) features_.push_back({index, 1});
  }

  // Calls `take` with the name of each categorical feature and cross of which no part is NULL.
  template <typename Take>
  void ForEachName(const data::Batch& batch, size_t row, Take take) {
    for (const std::vector<NamedColumn>& parts : categorical_) {
      name_.clear();
      bool complete = true;
      for (const NamedColumn& part : parts) {
        const data::Column& column = batch.column(part.column.index);
        complete = complete && column.HasValue(row);
        if (!complete) break;
        name_.append(part.prefix);
        AppendValue(column, row, name_);
      }
      if (complete) take(name_);
    }
  }

  // Sorts the features from `begin` on, which lie above all before them; equal indexes become one.
  void SortAndMerge(size_t begin) {
    const auto first = features_.begin() + static_cast<std::ptrdiff_t>(begin);
    std::sort(first, features_.end(),
              [](const Feature& a, const Feature& b) { return a.index < b.index; });
    size_t kept = begin;
    for (size_t i = begin; i < features_.size(); ++i) {
      if (kept > begin && features_[kept - 1].index == features_[i].index) {
        features_[kept - 1].value += features_[i].value;
      } else {
        features_[kept++] = features_[i];
      }
    }
    features_.resize(kept);
  }

  const FeatureSpec spec_;
  const std::vector<Column> numeric_;
  const std::vector<std::vector<NamedColumn>> categorical_;
  const uint64_t schema_hash_;
  const uint32_t first_name_;
  state::ArrayState not_finite_;
  std::optional<internal::Scaler> scaler_;
  std::unique_ptr<internal::NameIndex> names_;
  // Scratch of one row.
  std::vector<Feature> features_;
  std::vector<uint32_t> missing_;
  std::string name_;
};

absl::StatusOr<std::vector<Column>> FindNumeric(const FeatureSpec& spec,
                                                const data::Schema& schema) {
  std::vector<Column> columns;
  for (size_t i = 0; i < spec.numeric.size(); ++i) {
    const std::string& name = spec.numeric[i];
    const Place place{"numeric", absl::StrCat("[", i, "]")};
    if (std::count(spec.numeric.begin(), spec.numeric.end(), name) > 1) {
      return Invalid(place, absl::StrCat("column '", name, "' is listed twice"));
    }
    ASSIGN_OR_RETURN(
        columns.emplace_back(),
        FindColumn(schema, place, name, {Type::kBoolean, Type::kBigint, Type::kDouble}));
  }
  return columns;
}

// Entry `entry` of the categorical features.
absl::StatusOr<std::vector<NamedColumn>> FindParts(const FeatureSpec& spec, size_t entry,
                                                   const data::Schema& schema) {
  const std::vector<std::string>& names = spec.categorical[entry];
  const Place whole{"categorical", absl::StrCat("[", entry, "]")};
  if (names.empty()) return Invalid(whole, "an entry names no column");
  if (std::count(spec.categorical.begin(), spec.categorical.end(), names) > 1) {
    return Invalid(whole, absl::StrCat("[", absl::StrJoin(names, ", "), "] is listed twice"));
  }
  std::vector<NamedColumn> parts;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    const Place place{"categorical", absl::StrCat(whole.path, ".columns[", i, "]")};
    if (std::count(names.begin(), names.end(), name) > 1) {
      return Invalid(place, absl::StrCat("column '", name, "' is twice in one cross"));
    }
    ASSIGN_OR_RETURN(const Column column,
                     FindColumn(schema, place, name,
                                {Type::kBoolean, Type::kBigint, Type::kDouble, Type::kText}));
    parts.push_back({column, absl::StrCat(parts.empty() ? "" : kPartSeparator, name, "=")});
  }
  return parts;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FeatureEncoder>> FeatureEncoder::Make(const FeatureSpec& spec,
                                                                     const data::Schema& schema,
                                                                     const std::string& owner,
                                                                     state::StateSet& states) {
  RETURN_IF_ERROR(CheckNumbers(spec));
  ASSIGN_OR_RETURN(std::vector<Column> numeric, FindNumeric(spec, schema));
  std::vector<std::vector<NamedColumn>> categorical;
  for (size_t i = 0; i < spec.categorical.size(); ++i) {
    ASSIGN_OR_RETURN(categorical.emplace_back(), FindParts(spec, i, schema));
  }
  return std::make_unique<Encoder>(spec, std::move(numeric), std::move(categorical), owner, states);
}

}  // namespace streamml::learn
