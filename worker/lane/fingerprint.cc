#include "worker/lane/fingerprint.h"

#include <array>
#include <cmath>
#include <memory>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/math.h"
#include "base/math_pow.h"
#include "base/status.h"
#include "worker/learn/learner.h"
#include "worker/state/state.h"

namespace streamml::lane {
namespace {

constexpr int kArguments = 400;
constexpr int kExamples = 200;

// Fixed arguments in [-scale, scale] by a linear congruential generator (Knuth's MMIX constants).
class Arguments {
 public:
  double Next(double scale) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    const double unit = static_cast<double>(state_ >> 11) * 0x1p-53;
    return (2 * unit - 1) * scale;
  }

 private:
  uint64_t state_ = 1;
};

void TestFunctions(ByteWriter& results) {
  Arguments arguments;
  for (int i = 0; i < kArguments; ++i) {
    const double x = arguments.Next(1);
    const double wide = arguments.Next(700);
    results.F64(Exp(x));
    results.F64(Exp(wide));
    results.F64(Log(std::abs(x)));
    results.F64(Log1p(x));
    results.F64(Sigmoid(wide / 16));
    results.F64(LogLoss(std::abs(x), i % 2 == 0));
    results.F64(Pow(std::abs(wide), 4 * x));
    results.F64(Log10(std::abs(wide)));
    results.F64(std::sqrt(std::abs(wide)));
    // A product and a sum that a fused operation would round once instead of twice.
    results.F64(wide * x + wide / 3);
  }
}

// Scores of a learner with its defaults, before each of some examples with three features.
void TestLearner(const std::string& name, ByteWriter& results) {
  state::StateSet states;
  auto learner = learn::MakeLearner(name, {}, {"fingerprint", &states, 0});
  CHECK(learner.ok()) << learner.status();  // the table's own defaults are valid
  Arguments arguments;
  for (int i = 0; i < kExamples; ++i) {
    const auto slot = static_cast<uint32_t>(i % 7);
    const std::array<learn::Feature, 3> features{learn::Feature{slot, arguments.Next(3)},
                                                 learn::Feature{slot + 10, 1},
                                                 learn::Feature{30, arguments.Next(100)}};
    results.F64((*learner)->Predict(features));
    (*learner)->Learn(features, arguments.Next(1) > 0.3 ? 1 : 0);
  }
}

}  // namespace

std::string Fingerprint() {
  std::string bytes;
  ByteWriter results(bytes);
  TestFunctions(results);
  for (const learn::LearnerEntry& learner : learn::LearnerTable())
    TestLearner(learner.name, results);
  return absl::StrCat(kNumericGeneration, "-", absl::Hex(Hash64(bytes), absl::kZeroPad16), "-utc");
}

}  // namespace streamml::lane
