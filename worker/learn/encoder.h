// Rows of a batch -> the sparse vectors that learners take.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/data/batch.h"
#include "worker/learn/learner.h"
#include "worker/state/state.h"

namespace streamml::learn {

enum class Scale : uint8_t { kNone, kStandard };

// Which columns become features, and how. A plain value, as written in the manifest.
struct FeatureSpec {
  // Columns of type boolean (0 or 1), bigint or double precision; one feature each, named like the
  // column.
  std::vector<std::string> numeric = {};
  Scale scale = Scale::kNone;
  // One column is a plain categorical feature, several are a cross. Boolean, bigint, double or
  // text.
  std::vector<std::vector<std::string>> categorical = {};
  // 1 to 30: categorical names are hashed to 2^hash_bits indexes, and names that meet share a
  // weight. 0: an exact dictionary.
  int hash_bits = 18;
  // Names that the exact dictionary holds at most, 1 to 2^30. Names beyond it share one feature,
  // "unseen"; the encoder counts how often (overflowed()), and the names it knows keep their
  // meaning.
  uint64_t dictionary_bound = uint64_t{1} << 20;
  // Adds a feature per numeric column that is 1 where the value is missing.
  bool missing_indicator = false;
  // Keeps a fingerprint per hashed index (8 bytes each) and counts collisions; see collisions().
  bool report_collisions = false;
};

// Encodes with declared state: the scaler's running mean and variance, and the dictionary. Rules:
//  - Indexes: numeric columns first, in order of the spec (never hashed, so they collide with
//  nothing);
//    then missing indicators; then categorical names. Features come out sorted, indexes unique.
//  - A missing number is NULL, NaN or infinite. It has no feature, which is 0 after scaling, and
//  does not
//    update the scaler. Numbers that are NaN or infinite are counted (not_finite()).
//  - kStandard: z = (x - mean) / sqrt(variance), running mean and population variance (Welford
//  1962); 0
//    while there is no spread. A z that overflows is 0. Indicators and categorical features are not
//    scaled.
//  - Categorical features have value 1 and are named "column=value"; a cross joins its parts with
//    U+001F. Values as text: true/false, decimal, the shortest text that gives the double back (as
//    number_text.h; -0 is 0), the text itself. NULL leaves the feature out, and with it every cross
//    it is part of.
//  - Names that hash to one index within a row: their values add up.
//  - A dictionary gives indexes in order of first appearance in Observe(); a name that it does not
//  know
//    yet is left out while scoring, as nothing was learned about it.
// Test-then-train is Encode, predict, Observe, Encode again, learn. Not thread-safe.
class FeatureEncoder {
 public:
  // INVALID_ARGUMENT for a column that is missing, twice in the list, or of a type not allowed, and
  // for numbers out of range. State is declared under `owner` in `states`, which outlives the
  // encoder.
  static absl::StatusOr<std::unique_ptr<FeatureEncoder>> Make(const FeatureSpec& spec,
                                                              const data::Schema& schema,
                                                              const std::string& owner,
                                                              state::StateSet& states);
  virtual ~FeatureEncoder() = default;

  // One row with the state as it is. Valid until the next Encode. The batch has the schema given to
  // Make.
  virtual Features Encode(const data::Batch& batch, size_t row) = 0;
  // Takes the row into the state. False when this cannot have changed the row's encoding.
  virtual bool Observe(const data::Batch& batch, size_t row) = 0;

  // Covers all that gives an index its meaning: columns, order, hash algorithm, seed and bits,
  // scaling.
  virtual uint64_t schema_hash() const = 0;
  // The index of "column", "column is missing" or "column=value", or nullopt if there is none
  // (yet).
  virtual std::optional<uint32_t> IndexOf(std::string_view name) const = 0;

  struct Counts {
    uint64_t not_finite = 0;   // numbers seen by Observe that were NaN or infinite
    uint64_t overflowed = 0;   // occurrences of names beyond the dictionary's bound
    uint64_t occurrences = 0;  // hashed names seen by Observe; 0 unless report_collisions
    uint64_t colliding = 0;    // those whose index belongs to another name, which came first
  };
  virtual Counts counts() const = 0;
  // Mean and population variance of a numeric column so far; 0 values before any. For reports.
  struct Moments {
    uint64_t count = 0;
    double mean = 0;
    double variance = 0;
  };
  virtual Moments moments(size_t numeric_index) const = 0;
};

}  // namespace streamml::learn
