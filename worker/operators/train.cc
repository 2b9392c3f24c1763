#include "worker/operators/train.h"

#include <bit>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/at_field.h"
#include "base/status.h"
#include "worker/operators/internal/model_parts.h"
#include "worker/operators/row_error.h"
#include "worker/state/array_state.h"
#include "worker/state/replicated_states.h"

namespace streamml::operators {

namespace {

constexpr double kMaxSkipped = 10;  // multiples at which a version may be held back in a row

// Slots of the state of training.
enum Slot : uint64_t {
  kExamples = internal::kTrainedExamples,  // learned
  kNews,                                   // of them, in no version yet
  kDue,      // when the next version is due, if there are news: the bits of an integer
  kSkipped,  // multiples at which it was held back
  kCost,     // bytes of the last version
  kRows,     // sent, in all versions
};

// The first multiple of `every` after `time`, or the end of time.
int64_t NextMultiple(int64_t time, int64_t every) {
  const int64_t to_next = every - ((time % every) + every) % every;
  return time > data::kMaxTime - to_next ? data::kMaxTime : time + to_next;
}

absl::StatusOr<size_t> FindScore(const ModelSpec& spec, const data::Schema& input) {
  const std::optional<size_t> score = input.Find(internal::kScore);
  if (!score.has_value() || input.field(*score).type != data::Type::kDouble) {
    return internal::Invalid(
        spec, "train.from",
        absl::StrCat("training apart judges the scores that were given, and the relation has no "
                     "double precision column 'score'; train from '",
                     spec.name, "' or from a view on it that keeps score"));
  }
  return *score;
}

}  // namespace

struct TrainOperator::Parts {
  state::ReplicatedStates replicated;
  internal::ModelCore core;
  internal::LabelReader label;
  VersionRules rules;
  size_t score = 0;
  std::unique_ptr<learn::MetricSet> metrics;
  std::optional<state::ArrayState> training;
  data::BatchBuilder versions{VersionSchema()};

  double Get(Slot slot) const { return training->Get(slot); }
  void Set(Slot slot, double value) { *training->Mutable(slot) = value; }
  int64_t due() const { return std::bit_cast<int64_t>(Get(kDue)); }
  void SetDue(int64_t time) { Set(kDue, std::bit_cast<double>(time)); }

  void Learn(const data::Batch& batch, size_t row) {
    const double truth = label.Value(batch, row);
    const data::Column& scores = batch.column(score);
    if (scores.HasValue(row)) metrics->Add(scores.Double(row), truth == 1);
    core.encoder->Observe(batch, row);
    core.learner->Learn(core.encoder->Encode(batch, row), truth);
    Set(kExamples, Get(kExamples) + 1);
    Set(kNews, Get(kNews) + 1);
  }

  // All examples before `time` were learned: sends what is due by then.
  void SendDue(int64_t time) {
    while (Get(kNews) > 0 && due() <= time) {
      const bool is_cheap = Get(kCost) <= Get(kNews) * kVersionBytesPerExample;
      if (rules.always || is_cheap || Get(kSkipped) >= kMaxSkipped) {
        Send(due());
      } else {
        Set(kSkipped, Get(kSkipped) + 1);
        SetDue(NextMultiple(due(), rules.every_us));
      }
    }
  }

  void Send(int64_t time) {
    double bytes = 0;
    replicated.TakeUpdate(
        [&](std::string_view state, std::string_view key, std::string_view value) {
          AddRow(time, state, key, value, /*last=*/false);
          bytes += static_cast<double>(state.size() + key.size() + value.size());
        });
    AddRow(time, "", "", "", /*last=*/true);
    Set(kNews, 0);
    Set(kSkipped, 0);
    Set(kCost, bytes);
  }

  void AddRow(int64_t time, std::string_view state, std::string_view key, std::string_view value,
              bool last) {
    versions.column(0).AppendInteger(static_cast<int64_t>(Get(kExamples)));
    versions.column(1).AppendText(state);
    versions.column(2).AppendText(key);
    versions.column(3).AppendText(value);
    versions.column(4).AppendBoolean(last);
    data::Origin origin;
    origin.time = time;
    origin.offset = static_cast<uint64_t>(Get(kRows));
    versions.AddOrigin(origin);
    Set(kRows, Get(kRows) + 1);
  }
};

absl::StatusOr<std::unique_ptr<TrainOperator>> TrainOperator::Make(
    const ModelSpec& spec, const VersionRules& rules,
    const std::shared_ptr<const data::Schema>& input, const OperatorContext& context) {
  if (input->time_column() == data::Schema::kNoTime) {
    return internal::Invalid(spec, "train.mode",
                             "training apart needs examples with event time: give the source a "
                             "watermark and keep its column");
  }
  auto parts = std::make_unique<Parts>();
  parts->rules = rules;
  ASSIGN_OR_RETURN(parts->score, FindScore(spec, *input));
  ASSIGN_OR_RETURN(parts->label, internal::LabelReader::Make(spec, *input));
  ASSIGN_OR_RETURN(parts->core,
                   internal::MakeModelCore(spec, *input, context.owner, parts->replicated.inner()));
  ASSIGN_OR_RETURN(parts->metrics,
                   learn::MetricSet::Make(spec.metrics, context.owner, *context.states));
  const uint64_t hash = parts->core.feature_hash;
  parts->replicated.DeclareIn(*context.states, context.owner, hash);
  parts->training.emplace(state::StateId{context.owner, "model.training", hash}, *context.states);
  return std::unique_ptr<TrainOperator>(new TrainOperator(std::move(parts)));
}

TrainOperator::TrainOperator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TrainOperator::~TrainOperator() = default;

absl::StatusOr<data::Batch> TrainOperator::Process(const data::Batch& input, Dropped& dropped) {
  for (size_t row = 0; row < input.num_rows(); ++row) {
    if (std::string reason = parts_->label.WhyRefused(input, row); !reason.empty()) {
      dropped.failed.push_back(MakeRowError(input, row, std::move(reason)));
      continue;
    }
    if (parts_->label.IsNull(input, row)) {
      ++dropped.filtered;
      continue;
    }
    const int64_t time = input.origin(row).time;
    parts_->SendDue(time);
    if (parts_->Get(kNews) == 0) parts_->SetDue(NextMultiple(time, parts_->rules.every_us));
    parts_->Learn(input, row);
  }
  return parts_->versions.Finish();
}

absl::StatusOr<data::Batch> TrainOperator::AtFrontier(int64_t frontier) {
  parts_->SendDue(frontier);
  return parts_->versions.Finish();
}

ModelReport TrainOperator::Report() const {
  return {.examples = static_cast<uint64_t>(parts_->Get(kExamples)),
          .metrics = parts_->metrics->Values(),
          .features = parts_->core.encoder->counts()};
}

}  // namespace streamml::operators
