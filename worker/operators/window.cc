#include "worker/operators/window.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/data/partition_key.h"
#include "worker/operators/internal/window_answers.h"
#include "worker/operators/internal/window_plan.h"
#include "worker/state/expiring_state.h"

namespace streamml::operators {

namespace {

using internal::Frame;
using internal::FrameCodec;
using internal::WindowAnswers;
using internal::WindowPlan;
using internal::WindowRow;
using State = state::ExpiringState<Frame, FrameCodec>;

class Window final : public Operator {
 public:
  Window(WindowPlan plan, state::StateId id, state::StateSet& states)
      : plan_(std::move(plan)),
        state_(std::move(id), FrameCodec(plan_.layout), internal::ExpiryBucket(plan_), states) {}

  absl::StatusOr<data::Batch> Process(const data::Batch& input, Dropped& dropped) override;
  std::shared_ptr<const data::Schema> output_schema() const override { return plan_.schema; }

 private:
  struct Rows {
    size_t begin;
    size_t end;
  };

  absl::Status CheckOrder(int64_t time) const;
  void Add(const data::Batch& input, size_t row, int64_t frame_begin);

  const WindowPlan plan_;
  State state_;
  std::optional<int64_t> last_time_;  // a check of the lane, not state: nothing depends on it
  // Buffers that live from batch to batch.
  std::string key_;
  std::vector<State::Handle> handles_;
};

absl::Status Window::CheckOrder(int64_t time) const {
  if (!last_time_.has_value() || time > *last_time_) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("window: a row of event time ", time, " after one of ",
                                          *last_time_, " of an earlier group or batch"));
}

void Window::Add(const data::Batch& input, size_t row, int64_t frame_begin) {
  const WindowRow added(plan_.layout, input, row);
  key_.clear();
  data::AppendPartitionKey(input, row, plan_.partition_columns, key_);
  handles_.push_back(state_.Touch(key_, added.row().time));
  Frame& frame = state_.At(handles_.back());
  internal::EvictBefore(plan_.layout, frame_begin, frame);
  internal::Append(plan_.layout, added.row(), frame);
}

absl::StatusOr<data::Batch> Window::Process(const data::Batch& input, Dropped& dropped) {
  WindowAnswers answers(plan_, input.num_rows());
  Rows peers = {0, 0};
  for (; peers.begin < input.num_rows(); peers.begin = peers.end) {
    const int64_t time = input.origin(peers.begin).time;
    RETURN_IF_ERROR(CheckOrder(time));
    last_time_ = time;
    while (peers.end < input.num_rows() && input.origin(peers.end).time == time) ++peers.end;
    const int64_t frame_begin = internal::FrameBegin(plan_, time);
    state_.ExpireBefore(frame_begin);
    handles_.clear();
    for (size_t row = peers.begin; row < peers.end; ++row) Add(input, row, frame_begin);
    for (const State::Handle handle : handles_) answers.Append(state_.At(handle));
  }
  return std::move(answers).Finish(input, dropped);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeWindow(
    const sql::Node& node, const std::shared_ptr<const data::Schema>& input,
    const OperatorContext& context) {
  ASSIGN_OR_RETURN(WindowPlan plan, internal::MakeWindowPlan(node, *input));
  state::StateId id{context.owner, context.name + ".rows",
                    internal::WindowStateHash("window frame 1", plan, *input)};
  return std::make_unique<Window>(std::move(plan), std::move(id), *context.states);
}

}  // namespace streamml::operators
