// The learner contract and its table: algorithms that learn from one example at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "worker/state/state.h"

namespace streamml::learn {

// One coordinate of an encoded example. Indexes are below 2^32 and unique within an example, in
// ascending order; value 0 is allowed and means the same as absence to scores and gradients (a rule
// over "the features present", such as sgd's l2, counts it as present). Values are finite: the
// encoder has seen to NaN and infinity; products may still overflow, and learners say what happens
// then.
struct Feature {
  uint32_t index;
  double value;
};
using Features = absl::Span<const Feature>;

// A binary classifier. Pure mathematics: no clock, thread, I/O or stream; its state is declared.
// Laws (tests/worker/learn/laws_test.cc run over the table): how the stream is cut changes nothing;
// save + load + go on equals going on, bit for bit; an empty row is an example with the intercept
// alone; same seed, same bits.
class Learner {
 public:
  virtual ~Learner() = default;
  // P(label = 1) in [0, 1]; the empty answer before any example is 0.5.
  virtual double Predict(Features x) const = 0;
  // One step on one example; label is 0 or 1.
  virtual void Learn(Features x, double label) = 0;
};

// The text of each parameter by name, as written in the manifest.
using Parameters = absl::btree_map<std::string, std::string>;

// Where a learner's state lives.
struct LearnerHome {
  std::string owner;                  // the model's name
  state::StateSet* states = nullptr;  // not null; outlives the learner
  // FeatureEncoder::schema_hash(): what gives indexes their meaning. A weight is kept across an
  // edit of the job only while it is the same.
  uint64_t feature_hash = 0;
};

struct ParameterSpec {
  std::string name;
  std::string doc;
  double default_value;
  double minimum;  // inclusive, unless minimum_open
  double maximum;  // inclusive
  bool minimum_open = false;
};

struct LearnerEntry {
  std::string name;       // "ftrl"
  std::string doc;        // one line
  std::string reference;  // paper, section
  std::vector<ParameterSpec> parameters;
  // Values are complete and checked.
  std::unique_ptr<Learner> (*make)(const absl::btree_map<std::string, double>& values,
                                   const LearnerHome& home);
};

// All learners, one line each in table.cc.
const std::vector<LearnerEntry>& LearnerTable();

// Checks name and parameters against the table and makes the learner. INVALID_ARGUMENT names what
// is unknown or out of range, the value seen and what is allowed.
absl::StatusOr<std::unique_ptr<Learner>> MakeLearner(const std::string& name,
                                                     const Parameters& parameters,
                                                     const LearnerHome& home);

// The same checks alone, for `streamml validate`.
absl::Status CheckLearner(const std::string& name, const Parameters& parameters);

}  // namespace streamml::learn
