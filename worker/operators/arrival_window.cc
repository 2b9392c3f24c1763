#include "worker/operators/arrival_window.h"

#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/status.h"
#include "worker/data/partition_key.h"
#include "worker/operators/internal/window_answers.h"
#include "worker/operators/internal/window_plan.h"
#include "worker/state/expiring_state.h"

namespace streamml::operators {

namespace {

using internal::Frame;
using internal::FrameCodec;
using internal::FrameLayout;
using internal::WindowAnswers;
using internal::WindowPlan;
using internal::WindowRow;

constexpr int64_t kEarliest = std::numeric_limits<int64_t>::min();

// The rows kept of one key. Most rows are not older than the one before: they find their frame in
// `recent` as it is. Only a row that is older needs `old`.
struct KeyRows {
  Frame old;     // before the frame of the latest row
  Frame recent;  // the frame of the latest row; not empty once there is a row
};

class KeyRowsCodec {
 public:
  explicit KeyRowsCodec(const FrameLayout& layout) : layout_(&layout), frames_(layout) {}

  void Encode(const KeyRows& rows, std::string& out) const {
    std::string old;
    if (internal::NumRows(rows.old) > 0) frames_.Encode(rows.old, old);
    ByteWriter(out).Text(old);
    frames_.Encode(rows.recent, out);
  }
  bool Decode(std::string_view bytes, KeyRows& out) const {
    ByteReader reader(bytes);
    const std::string_view old = reader.Text();
    if (!reader.ok()) return false;
    out = KeyRows{};
    if (!old.empty() && !frames_.Decode(old, out.old)) return false;
    return frames_.Decode(reader.Raw(reader.remaining()), out.recent);
  }
  int64_t Time(const KeyRows& rows) const { return internal::LastTime(*layout_, rows.recent); }
  int64_t Bytes(const KeyRows& rows) const {
    return frames_.Bytes(rows.old) + frames_.Bytes(rows.recent);
  }

 private:
  const FrameLayout* layout_;
  FrameCodec frames_;
};

using State = state::ExpiringState<KeyRows, KeyRowsCodec>;

class ArrivalWindow final : public Operator {
 public:
  ArrivalWindow(WindowPlan plan, state::StateId id, state::StateSet& states)
      : plan_(std::move(plan)),
        state_(std::move(id), KeyRowsCodec(plan_.layout), internal::ExpiryBucket(plan_), states) {}

  absl::StatusOr<data::Batch> Process(const data::Batch& input, Dropped& dropped) override;
  void Forget(int64_t watermark) override;
  std::shared_ptr<const data::Schema> output_schema() const override { return plan_.schema; }

 private:
  // Both add the row and append its answers.
  void AddLatest(const internal::FrameRow& row, KeyRows& rows, WindowAnswers& answers);
  void AddOlder(const internal::FrameRow& row, KeyRows& rows, WindowAnswers& answers);

  const WindowPlan plan_;
  State state_;
  int64_t needed_from_ = kEarliest;  // rows before it are in no frame any more
  std::string key_;                  // buffer
};

void ArrivalWindow::AddLatest(const internal::FrameRow& row, KeyRows& rows,
                              WindowAnswers& answers) {
  const int64_t begin = internal::FrameBegin(plan_, row.time);
  if (begin > needed_from_) {
    internal::AppendRows(plan_.layout, rows.recent, {needed_from_, begin - 1}, rows.old);
  }
  internal::EvictBefore(plan_.layout, begin, rows.recent);
  internal::Append(plan_.layout, row, rows.recent);
  answers.Append(rows.recent);
}

void ArrivalWindow::AddOlder(const internal::FrameRow& row, KeyRows& rows, WindowAnswers& answers) {
  const int64_t latest = internal::LastTime(plan_.layout, rows.recent);
  const bool is_recent = row.time >= internal::FrameBegin(plan_, latest);
  internal::Insert(plan_.layout, row, is_recent ? rows.recent : rows.old);
  Frame frame;
  const internal::TimeRange times = {internal::FrameBegin(plan_, row.time), row.time};
  internal::AppendRows(plan_.layout, rows.old, times, frame);
  internal::AppendRows(plan_.layout, rows.recent, times, frame);
  answers.Append(frame);
}

absl::StatusOr<data::Batch> ArrivalWindow::Process(const data::Batch& input, Dropped& dropped) {
  WindowAnswers answers(plan_, input.num_rows());
  for (size_t i = 0; i < input.num_rows(); ++i) {
    const WindowRow added(plan_.layout, input, i);
    const internal::FrameRow row = added.row();
    key_.clear();
    data::AppendPartitionKey(input, i, plan_.partition_columns, key_);
    KeyRows& rows = state_.At(state_.Touch(key_, row.time));
    internal::EvictBefore(plan_.layout, needed_from_, rows.old);
    const bool is_older = internal::NumRows(rows.recent) > 0 &&
                          row.time < internal::LastTime(plan_.layout, rows.recent);
    is_older ? AddOlder(row, rows, answers) : AddLatest(row, rows, answers);
  }
  return std::move(answers).Finish(input, dropped);
}

void ArrivalWindow::Forget(int64_t watermark) {
  needed_from_ = internal::FrameBegin(plan_, watermark);
  state_.ExpireBefore(needed_from_);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeArrivalWindow(
    const sql::Node& node, const std::shared_ptr<const data::Schema>& input,
    const OperatorContext& context) {
  ASSIGN_OR_RETURN(WindowPlan plan, internal::MakeWindowPlan(node, *input));
  state::StateId id{context.owner, context.name + ".rows",
                    internal::WindowStateHash("arrival window rows 1", plan, *input)};
  return std::make_unique<ArrivalWindow>(std::move(plan), std::move(id), *context.states);
}

}  // namespace streamml::operators
