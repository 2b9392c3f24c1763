#include "worker/learn/metrics.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/at_field.h"
#include "base/math.h"
#include "base/status.h"
#include "base/wording.h"
#include "worker/learn/internal/auc.h"
#include "worker/state/array_state.h"

namespace streamml::learn {

namespace {

using Value = std::optional<double>;

Value Ratio(double part, double whole) {
  if (whole == 0) return std::nullopt;
  return part / whole;
}

// Agreement beyond chance: (accuracy - chance) / (1 - chance).
Value BeyondChance(Value accuracy, Value chance) {
  if (!accuracy.has_value() || !chance.has_value() || *chance >= 1) return std::nullopt;
  return (*accuracy - *chance) / (1 - *chance);
}

// Counts by label and predicted class, and of labels in their order. In state as doubles, exact up
// to 2^53 examples.
class Counts {
 public:
  Counts(const std::string& owner, state::StateSet& states)
      : state_({owner, "metrics.counts", 1}, states) {}

  void Add(bool predicted, bool label) {
    double* c = state_.Mutable(0);
    const double n = Total();
    if (n > 0) {
      const bool last = c[kLast] != 0;
      // Ties go to class 0.
      const bool majority =
          c[kTruePositive] + c[kFalseNegative] > c[kTrueNegative] + c[kFalsePositive];
      c[kNoChangeCorrect] += last == label ? 1 : 0;
      c[kMajorityCorrect] += majority == label ? 1 : 0;
    }
    c[label ? (predicted ? kTruePositive : kFalseNegative)
            : (predicted ? kFalsePositive : kTrueNegative)] += 1;
    c[kLast] = label ? 1 : 0;
  }

  double Total() const {
    return Get(kTruePositive) + Get(kFalsePositive) + Get(kTrueNegative) + Get(kFalseNegative);
  }
  Value Accuracy() const { return Ratio(Get(kTruePositive) + Get(kTrueNegative), Total()); }
  Value Precision() const {
    return Ratio(Get(kTruePositive), Get(kTruePositive) + Get(kFalsePositive));
  }
  Value Recall() const {
    return Ratio(Get(kTruePositive), Get(kTruePositive) + Get(kFalseNegative));
  }
  Value F1() const {
    if (Total() == 0) return std::nullopt;
    const double hits = 2 * Get(kTruePositive);
    const double all = hits + Get(kFalsePositive) + Get(kFalseNegative);
    return all == 0 ? 0 : hits / all;
  }
  Value Kappa() const {
    const double n = Total();
    if (n == 0) return std::nullopt;
    const double labelled = (Get(kTruePositive) + Get(kFalseNegative)) / n;
    const double predicted = (Get(kTruePositive) + Get(kFalsePositive)) / n;
    return BeyondChance(Accuracy(), labelled * predicted + (1 - labelled) * (1 - predicted));
  }
  Value NoChange() const { return Ratio(Get(kNoChangeCorrect), std::max(0.0, Total() - 1)); }
  Value Majority() const { return Ratio(Get(kMajorityCorrect), std::max(0.0, Total() - 1)); }
  Value KappaTemporal() const { return BeyondChance(Accuracy(), NoChange()); }

 private:
  enum Slot {
    kTruePositive,
    kFalsePositive,
    kTrueNegative,
    kFalseNegative,
    kLast,
    kNoChangeCorrect,
    kMajorityCorrect
  };

  double Get(Slot slot) const { return state_.Get(slot); }

  state::ArrayState state_;
};

// Mean log-loss; the sum is compensated (Neumaier 1974), so it is good to an ulp over any length.
class LogLossSum {
 public:
  LogLossSum(const std::string& owner, state::StateSet& states)
      : state_({owner, "metrics.logloss", 1}, states) {}

  void Add(double score, bool label) {
    double* s = state_.Mutable(0);  // count, sum, compensation
    const double loss = LogLoss(score, label);
    const double sum = s[1] + loss;
    s[2] += s[1] >= loss ? (s[1] - sum) + loss : (loss - sum) + s[1];
    s[1] = sum;
    s[0] += 1;
  }
  Value Mean() const { return Ratio(state_.Get(1) + state_.Get(2), state_.Get(0)); }

 private:
  state::ArrayState state_;
};

class Set final : public MetricSet {
 public:
  Set(std::vector<std::string> names, const std::string& owner, state::StateSet& states)
      : names_(std::move(names)), counts_(owner, states) {
    if (Has("logloss")) logloss_.emplace(owner, states);
    if (Has("auc")) auc_.emplace(owner, states);
    for (const char* baseline : {"noChange", "majority"}) {
      if (!Has(baseline)) names_.push_back(baseline);
    }
  }

  void Add(double score, bool label) override {
    counts_.Add(score > 0.5, label);
    if (logloss_.has_value()) logloss_->Add(score, label);
    if (auc_.has_value()) auc_->Add(score, label);
  }
  uint64_t examples() const override { return static_cast<uint64_t>(counts_.Total()); }
  std::vector<MetricValue> Values() const override {
    std::vector<MetricValue> values;
    for (const std::string& name : names_) AppendValues(name, values);
    return values;
  }

 private:
  bool Has(std::string_view name) const {
    return std::find(names_.begin(), names_.end(), name) != names_.end();
  }

  void AppendValues(const std::string& name, std::vector<MetricValue>& values) const {
    if (name == "logloss") {
      values.push_back({name, logloss_->Mean()});
    } else if (name == "auc") {
      const std::optional<internal::BinnedAuc::Result> result = auc_->Read();
      values.push_back({name, result.has_value() ? Value(result->area) : std::nullopt});
      values.push_back({"auc.error", result.has_value() ? Value(result->error) : std::nullopt});
    } else {
      values.push_back({name, FromCounts(name)});
    }
  }

  Value FromCounts(std::string_view name) const {
    static constexpr std::array<std::pair<std::string_view, Value (Counts::*)() const>, 8>
        kReaders = {{
            {"accuracy", &Counts::Accuracy},
            {"kappa", &Counts::Kappa},
            {"kappaTemporal", &Counts::KappaTemporal},
            {"precision", &Counts::Precision},
            {"recall", &Counts::Recall},
            {"f1", &Counts::F1},
            {"noChange", &Counts::NoChange},
            {"majority", &Counts::Majority},
        }};
    for (const auto& [known, read] : kReaders) {
      if (known == name) return (counts_.*read)();
    }
    return std::nullopt;
  }

  std::vector<std::string> names_;
  Counts counts_;
  std::optional<LogLossSum> logloss_;
  std::optional<internal::BinnedAuc> auc_;
};

}  // namespace

const std::vector<MetricEntry>& MetricTable() {
  static const std::vector<MetricEntry> table = {
      {"accuracy", "share of examples whose predicted class is the label"},
      {"logloss", "mean of -ln p(label), p clipped to [1e-15, 1 - 1e-15]"},
      {"auc",
       "area under the ROC curve, binned; auc.error bounds the distance to the exact value; no "
       "value until both classes were seen"},
      {"kappa", "Cohen's kappa; no value while chance agreement is 1"},
      {"kappaTemporal",
       "accuracy beyond that of noChange (Zliobaite et al. 2015); no value at the first "
       "example, or while labels never change"},
      {"precision", "share of 1 among predicted 1; no value before a predicted 1"},
      {"recall", "share of predicted 1 among 1; no value before a 1"},
      {"f1", "harmonic mean of precision and recall of class 1, 0 where there is neither"},
      {"noChange", "accuracy of predicting the previous label; the first example is not counted"},
      {"majority",
       "accuracy of predicting the most frequent label so far, 0 in a tie; the first example "
       "is not counted"},
  };
  return table;
}

std::vector<std::string> DefaultMetrics() {
  return {"accuracy", "logloss", "auc", "kappaTemporal"};
}

absl::Status CheckMetrics(const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const MetricEntry& entry : MetricTable()) known.push_back(entry.name);
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    const auto refuse = [i](const std::string& message) {
      return AtField(absl::InvalidArgumentError(message), absl::StrCat("[", i, "]"));
    };
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return refuse(absl::StrCat("metrics: '", name, "' is not known", DidYouMean(name, known),
                                 "; allowed: ", absl::StrJoin(known, ", ")));
    }
    if (std::count(names.begin(), names.end(), name) > 1) {
      return refuse(absl::StrCat("metrics: '", name, "' is listed twice"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<MetricSet>> MetricSet::Make(const std::vector<std::string>& names,
                                                           const std::string& owner,
                                                           state::StateSet& states) {
  RETURN_IF_ERROR(CheckMetrics(names));
  return std::make_unique<Set>(names, owner, states);
}

}  // namespace streamml::learn
